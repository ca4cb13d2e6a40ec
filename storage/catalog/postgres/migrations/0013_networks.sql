-- +goose Up
CREATE TABLE networks (
	cidr TEXT COLLATE "C" NOT NULL, kind TEXT COLLATE "C" NOT NULL, site TEXT COLLATE "C" NOT NULL REFERENCES sites (name),
	PRIMARY KEY (cidr, kind, site));
ALTER TABLE enrolments ADD COLUMN roaming BIGINT NOT NULL DEFAULT 0;
ALTER TABLE endpoints ADD COLUMN roaming BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE endpoints DROP COLUMN roaming;
ALTER TABLE enrolments DROP COLUMN roaming;
DROP TABLE networks;
