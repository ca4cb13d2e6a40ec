-- +goose Up
CREATE TABLE answers (
	id TEXT COLLATE "C" PRIMARY KEY, digest TEXT COLLATE "C" NOT NULL, sealed TEXT COLLATE "C" NOT NULL, created BIGINT NOT NULL);
CREATE INDEX answers_created ON answers (created, id);

-- +goose Down
DROP TABLE answers;
