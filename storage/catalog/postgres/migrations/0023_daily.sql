-- expand: no statement of the release before names these tables
-- +goose Up
CREATE TABLE daily (
	day TEXT COLLATE "C" NOT NULL, site TEXT COLLATE "C" NOT NULL, content TEXT COLLATE "C" NOT NULL, endpoints BIGINT NOT NULL, origin BIGINT NOT NULL, peer BIGINT NOT NULL,
	relay BIGINT NOT NULL, reused BIGINT NOT NULL, wan BIGINT NOT NULL, alone BIGINT NOT NULL, needed BIGINT NOT NULL, once BIGINT NOT NULL,
	PRIMARY KEY (day, site, content));
CREATE INDEX daily_site ON daily (site, day);
CREATE TABLE counted (
	endpoint TEXT COLLATE "C" NOT NULL, version TEXT COLLATE "C" NOT NULL, origin BIGINT NOT NULL, peer BIGINT NOT NULL, relay BIGINT NOT NULL, reused BIGINT NOT NULL,
	wan BIGINT NOT NULL, complete BIGINT NOT NULL, heard BIGINT NOT NULL, PRIMARY KEY (endpoint, version));
CREATE TABLE delivered (version TEXT COLLATE "C" NOT NULL, site TEXT COLLATE "C" NOT NULL, PRIMARY KEY (version, site));

-- +goose Down
DROP TABLE delivered;
DROP TABLE counted;
DROP TABLE daily;
