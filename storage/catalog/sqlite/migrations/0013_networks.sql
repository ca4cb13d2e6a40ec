-- +goose Up
CREATE TABLE networks (
	cidr TEXT NOT NULL, kind TEXT NOT NULL, site TEXT NOT NULL REFERENCES sites (name), PRIMARY KEY (cidr, kind, site));
ALTER TABLE enrolments ADD COLUMN roaming BIGINT NOT NULL DEFAULT 0;
ALTER TABLE endpoints ADD COLUMN roaming BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE endpoints DROP COLUMN roaming;
ALTER TABLE enrolments DROP COLUMN roaming;
DROP TABLE networks;
