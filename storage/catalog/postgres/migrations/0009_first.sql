-- The first schema here is the ninth of SQLite: equal numbers are equal schemas. Text
-- is compared byte by byte, as SQLite does, whatever the database's own order is.
-- +goose Up
CREATE TABLE sites (
	name TEXT COLLATE "C" PRIMARY KEY, cidrs TEXT COLLATE "C" NOT NULL, tz TEXT COLLATE "C" NOT NULL, cap BIGINT NOT NULL,
	created BIGINT NOT NULL, hold_off BIGINT NOT NULL DEFAULT 0, replicas BIGINT NOT NULL DEFAULT 0,
	relay TEXT COLLATE "C" NOT NULL DEFAULT '', relay_secret TEXT COLLATE "C" NOT NULL DEFAULT '',
	peers_on TEXT COLLATE "C" NOT NULL DEFAULT '[]');
CREATE TABLE enrolments (
	id TEXT COLLATE "C" PRIMARY KEY, site TEXT COLLATE "C" NOT NULL REFERENCES sites (name), secret TEXT COLLATE "C" NOT NULL,
	uses BIGINT NOT NULL, expires BIGINT NOT NULL);
CREATE TABLE endpoints (
	id TEXT COLLATE "C" PRIMARY KEY, key TEXT COLLATE "C" NOT NULL, name TEXT COLLATE "C" NOT NULL, device TEXT COLLATE "C" NOT NULL,
	site TEXT COLLATE "C" NOT NULL REFERENCES sites (name), created BIGINT NOT NULL, last_seen BIGINT NOT NULL);
CREATE INDEX endpoints_site ON endpoints (site, id);
CREATE TABLE trust (serial BIGINT PRIMARY KEY, document TEXT COLLATE "C" NOT NULL, created BIGINT NOT NULL);
CREATE TABLE versions (
	serial BIGINT PRIMARY KEY, name TEXT COLLATE "C" NOT NULL, version TEXT COLLATE "C" NOT NULL, id TEXT COLLATE "C" NOT NULL,
	head TEXT COLLATE "C" NOT NULL, body TEXT COLLATE "C" NOT NULL, placement TEXT COLLATE "C" NOT NULL, created BIGINT NOT NULL,
	UNIQUE (name, version));
CREATE TABLE distributions (
	id BIGINT PRIMARY KEY, name TEXT COLLATE "C" NOT NULL, version TEXT COLLATE "C" NOT NULL, serial BIGINT NOT NULL,
	every BIGINT NOT NULL, priority TEXT COLLATE "C" NOT NULL, created BIGINT NOT NULL, ready_by BIGINT NOT NULL DEFAULT 0,
	pre_stage BIGINT NOT NULL DEFAULT 0);
CREATE TABLE distribution_sites (
	distribution BIGINT NOT NULL REFERENCES distributions (id), site TEXT COLLATE "C" NOT NULL REFERENCES sites (name),
	PRIMARY KEY (distribution, site));
CREATE INDEX distribution_sites_site ON distribution_sites (site);
CREATE TABLE rules (
	id BIGINT PRIMARY KEY, kind TEXT COLLATE "C" NOT NULL, site TEXT COLLATE "C" NOT NULL, name TEXT COLLATE "C" NOT NULL,
	version TEXT COLLATE "C" NOT NULL, priority TEXT COLLATE "C" NOT NULL, generation BIGINT NOT NULL,
	setter TEXT COLLATE "C" NOT NULL, created BIGINT NOT NULL, expires BIGINT NOT NULL DEFAULT 0, upto BIGINT NOT NULL DEFAULT 0,
	UNIQUE (kind, site, name, version));
CREATE TABLE tokens (
	hash TEXT COLLATE "C" PRIMARY KEY, name TEXT COLLATE "C" NOT NULL, role TEXT COLLATE "C" NOT NULL, expires BIGINT NOT NULL);
CREATE TABLE meta (key TEXT COLLATE "C" PRIMARY KEY, value TEXT COLLATE "C" NOT NULL);
CREATE TABLE audit (
	id BIGINT PRIMARY KEY, at BIGINT NOT NULL, who TEXT COLLATE "C" NOT NULL, action TEXT COLLATE "C" NOT NULL,
	target TEXT COLLATE "C" NOT NULL, detail TEXT COLLATE "C" NOT NULL);
CREATE TABLE receipts (
	site TEXT COLLATE "C" NOT NULL REFERENCES sites (name), version TEXT COLLATE "C" NOT NULL, active BIGINT NOT NULL,
	yielded BIGINT NOT NULL, added TEXT COLLATE "C" NOT NULL, PRIMARY KEY (site, version));
CREATE TABLE lines (
	site TEXT COLLATE "C" NOT NULL REFERENCES sites (name), egress TEXT COLLATE "C" NOT NULL, capacity BIGINT NOT NULL,
	base TEXT COLLATE "C" NOT NULL, busy TEXT COLLATE "C" NOT NULL, learned BIGINT NOT NULL, PRIMARY KEY (site, egress));
CREATE TABLE packs (id BIGINT PRIMARY KEY, digest TEXT COLLATE "C" NOT NULL UNIQUE);
CREATE TABLE chunks (
	digest TEXT COLLATE "C" PRIMARY KEY, plain BIGINT NOT NULL, pack BIGINT NOT NULL REFERENCES packs (id), start BIGINT NOT NULL,
	length BIGINT NOT NULL, encoding BIGINT NOT NULL);
CREATE TABLE patches (
	serial BIGINT PRIMARY KEY REFERENCES versions (serial), base TEXT COLLATE "C" NOT NULL, object TEXT COLLATE "C" NOT NULL);

-- +goose Down
DROP TABLE patches;
DROP TABLE chunks;
DROP TABLE packs;
DROP TABLE lines;
DROP TABLE receipts;
DROP TABLE audit;
DROP TABLE meta;
DROP TABLE tokens;
DROP TABLE rules;
DROP TABLE distribution_sites;
DROP TABLE distributions;
DROP TABLE versions;
DROP TABLE trust;
DROP TABLE endpoints;
DROP TABLE enrolments;
DROP TABLE sites;
