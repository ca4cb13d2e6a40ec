-- +goose Up
CREATE TABLE patches (serial BIGINT PRIMARY KEY REFERENCES versions (serial), base TEXT NOT NULL, object TEXT NOT NULL);

-- +goose Down
DROP TABLE patches;
