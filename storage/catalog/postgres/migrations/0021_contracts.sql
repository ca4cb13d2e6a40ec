-- Releases from before this one knew no newer schema at all.
-- +goose Up
CREATE TABLE contracts (version BIGINT PRIMARY KEY);
INSERT INTO contracts (version) VALUES (21);

-- +goose Down
DROP TABLE contracts;
