-- What a distribution says beside its sites, and how far its rings are.
-- +goose Up
CREATE TABLE aims (
	distribution BIGINT PRIMARY KEY REFERENCES distributions (id), target TEXT COLLATE "C" NOT NULL, not_before BIGINT NOT NULL, rings TEXT COLLATE "C" NOT NULL,
	replaces BIGINT NOT NULL, retry BIGINT NOT NULL, state TEXT COLLATE "C" NOT NULL, rollout TEXT COLLATE "C" NOT NULL);
CREATE INDEX aims_state ON aims (state);

-- +goose Down
DROP TABLE aims;
