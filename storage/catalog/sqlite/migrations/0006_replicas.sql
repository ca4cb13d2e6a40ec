-- +goose Up
ALTER TABLE sites ADD COLUMN replicas BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE sites DROP COLUMN replicas;
