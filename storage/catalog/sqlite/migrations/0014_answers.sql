-- +goose Up
CREATE TABLE answers (id TEXT PRIMARY KEY, digest TEXT NOT NULL, sealed TEXT NOT NULL, created BIGINT NOT NULL);
CREATE INDEX answers_created ON answers (created, id);

-- +goose Down
DROP TABLE answers;
