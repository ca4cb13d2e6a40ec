-- +goose Up
ALTER TABLE distributions ADD COLUMN ready_by BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE distributions DROP COLUMN ready_by;
