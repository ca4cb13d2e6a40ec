-- expand: the release before writes no windows, and none is what it means by that
-- +goose Up
ALTER TABLE aims ADD COLUMN windows TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE aims DROP COLUMN windows;
