-- +goose Up
ALTER TABLE sites ADD COLUMN relay TEXT NOT NULL DEFAULT '';
ALTER TABLE sites ADD COLUMN relay_secret TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE sites DROP COLUMN relay_secret;
ALTER TABLE sites DROP COLUMN relay;
