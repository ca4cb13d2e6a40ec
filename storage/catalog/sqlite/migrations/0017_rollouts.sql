-- What a distribution says beside its sites, and how far its rings are.
-- +goose Up
CREATE TABLE aims (
	distribution BIGINT PRIMARY KEY REFERENCES distributions (id), target TEXT NOT NULL, not_before BIGINT NOT NULL, rings TEXT NOT NULL,
	replaces BIGINT NOT NULL, retry BIGINT NOT NULL, state TEXT NOT NULL, rollout TEXT NOT NULL);
CREATE INDEX aims_state ON aims (state);

-- +goose Down
DROP TABLE aims;
