-- +goose Up
ALTER TABLE rules ADD COLUMN rate BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE rules DROP COLUMN rate;
