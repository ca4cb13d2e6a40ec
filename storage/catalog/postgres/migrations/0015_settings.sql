-- What was set of a site becomes its level of the settings; what was as by default is not set.
-- +goose Up
CREATE TABLE settings (
	level TEXT COLLATE "C" NOT NULL, subject TEXT COLLATE "C" NOT NULL, key TEXT COLLATE "C" NOT NULL, value TEXT COLLATE "C" NOT NULL, PRIMARY KEY (level, subject, key));
CREATE TABLE tags (name TEXT COLLATE "C" PRIMARY KEY, priority BIGINT NOT NULL);
CREATE TABLE tagged (
	tag TEXT COLLATE "C" NOT NULL REFERENCES tags (name), kind TEXT COLLATE "C" NOT NULL, subject TEXT COLLATE "C" NOT NULL, PRIMARY KEY (tag, kind, subject));
CREATE INDEX tagged_subject ON tagged (kind, subject);
CREATE TABLE spent (site TEXT COLLATE "C" PRIMARY KEY REFERENCES sites (name), month TEXT COLLATE "C" NOT NULL, bytes BIGINT NOT NULL);
INSERT INTO settings (level, subject, key, value) SELECT 'site', name, 'wan_cap', CAST(cap * 8 AS TEXT) || 'bit' FROM sites WHERE cap >= 0;
INSERT INTO settings (level, subject, key, value) SELECT 'site', name, 'hold_off', CAST(hold_off AS TEXT) || 'ms' FROM sites WHERE hold_off > 0;
INSERT INTO settings (level, subject, key, value) SELECT 'site', name, 'replicas', CAST(replicas AS TEXT) FROM sites WHERE replicas > 0;
INSERT INTO settings (level, subject, key, value)
	SELECT 'site', name, 'peers_on', REPLACE(REPLACE(REPLACE(peers_on, '[', ''), ']', ''), '"', '') FROM sites WHERE peers_on <> '[]';
ALTER TABLE sites DROP COLUMN cap;
ALTER TABLE sites DROP COLUMN hold_off;
ALTER TABLE sites DROP COLUMN replicas;
ALTER TABLE sites DROP COLUMN peers_on;

-- +goose Down
ALTER TABLE sites ADD COLUMN cap BIGINT NOT NULL DEFAULT -1;
ALTER TABLE sites ADD COLUMN hold_off BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sites ADD COLUMN replicas BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sites ADD COLUMN peers_on TEXT COLLATE "C" NOT NULL DEFAULT '[]';
DROP TABLE spent;
DROP TABLE tagged;
DROP TABLE tags;
DROP TABLE settings;
