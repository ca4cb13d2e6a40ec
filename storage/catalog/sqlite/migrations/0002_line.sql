-- +goose Up
ALTER TABLE sites ADD COLUMN hold_off BIGINT NOT NULL DEFAULT 0;
CREATE TABLE receipts (
	site TEXT NOT NULL REFERENCES sites (name), version TEXT NOT NULL, active BIGINT NOT NULL, yielded BIGINT NOT NULL,
	added TEXT NOT NULL, PRIMARY KEY (site, version));
CREATE TABLE lines (
	site TEXT NOT NULL REFERENCES sites (name), egress TEXT NOT NULL, capacity BIGINT NOT NULL, base TEXT NOT NULL,
	busy TEXT NOT NULL, learned BIGINT NOT NULL, PRIMARY KEY (site, egress));

-- +goose Down
DROP TABLE lines;
DROP TABLE receipts;
ALTER TABLE sites DROP COLUMN hold_off;
