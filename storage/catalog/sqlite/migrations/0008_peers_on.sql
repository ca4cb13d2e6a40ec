-- +goose Up
ALTER TABLE sites ADD COLUMN peers_on TEXT NOT NULL DEFAULT '[]';

-- +goose Down
ALTER TABLE sites DROP COLUMN peers_on;
