CREATE TABLE audit (
	id BIGINT PRIMARY KEY, at BIGINT NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL,
	detail TEXT NOT NULL);
CREATE TABLE chunks (
	digest TEXT PRIMARY KEY, plain BIGINT NOT NULL, pack BIGINT NOT NULL REFERENCES packs (id), start BIGINT NOT NULL,
	length BIGINT NOT NULL, encoding BIGINT NOT NULL) WITHOUT ROWID;
CREATE TABLE distribution_sites (
	distribution BIGINT NOT NULL REFERENCES distributions (id), site TEXT NOT NULL REFERENCES sites (name),
	PRIMARY KEY (distribution, site));
CREATE TABLE distributions (
	id BIGINT PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL, serial BIGINT NOT NULL, every BIGINT NOT NULL,
	priority TEXT NOT NULL, created BIGINT NOT NULL, ready_by BIGINT NOT NULL DEFAULT 0, pre_stage BIGINT NOT NULL DEFAULT 0);
CREATE TABLE endpoints (
	id TEXT PRIMARY KEY, key TEXT NOT NULL, name TEXT NOT NULL, device TEXT NOT NULL,
	site TEXT NOT NULL REFERENCES sites (name), created BIGINT NOT NULL, last_seen BIGINT NOT NULL, roaming BIGINT NOT NULL DEFAULT 0);
CREATE TABLE enrolments (
	id TEXT PRIMARY KEY, site TEXT NOT NULL REFERENCES sites (name), secret TEXT NOT NULL, uses BIGINT NOT NULL,
	expires BIGINT NOT NULL, roaming BIGINT NOT NULL DEFAULT 0);
CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
CREATE TABLE lines (
	site TEXT NOT NULL REFERENCES sites (name), egress TEXT NOT NULL, capacity BIGINT NOT NULL, base TEXT NOT NULL,
	busy TEXT NOT NULL, learned BIGINT NOT NULL, PRIMARY KEY (site, egress));
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE networks (
	cidr TEXT NOT NULL, kind TEXT NOT NULL, site TEXT NOT NULL REFERENCES sites (name), PRIMARY KEY (cidr, kind, site));
CREATE TABLE packs (id BIGINT PRIMARY KEY, digest TEXT NOT NULL UNIQUE);
CREATE TABLE patches (serial BIGINT PRIMARY KEY REFERENCES versions (serial), base TEXT NOT NULL, object TEXT NOT NULL, due BIGINT NOT NULL DEFAULT 0);
CREATE TABLE receipts (
	site TEXT NOT NULL REFERENCES sites (name), version TEXT NOT NULL, active BIGINT NOT NULL, yielded BIGINT NOT NULL,
	added TEXT NOT NULL, PRIMARY KEY (site, version));
CREATE TABLE rules (
	id BIGINT PRIMARY KEY, kind TEXT NOT NULL, site TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL,
	priority TEXT NOT NULL, generation BIGINT NOT NULL, setter TEXT NOT NULL, created BIGINT NOT NULL, expires BIGINT NOT NULL DEFAULT 0, upto BIGINT NOT NULL DEFAULT 0,
	UNIQUE (kind, site, name, version));
CREATE TABLE sites (
	name TEXT PRIMARY KEY, cidrs TEXT NOT NULL, tz TEXT NOT NULL, cap BIGINT NOT NULL, created BIGINT NOT NULL, hold_off BIGINT NOT NULL DEFAULT 0, replicas BIGINT NOT NULL DEFAULT 0, relay TEXT NOT NULL DEFAULT '', relay_secret TEXT NOT NULL DEFAULT '', peers_on TEXT NOT NULL DEFAULT '[]');
CREATE TABLE tokens (hash TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, expires BIGINT NOT NULL);
CREATE TABLE trust (serial BIGINT PRIMARY KEY, document TEXT NOT NULL, created BIGINT NOT NULL);
CREATE TABLE versions (
	serial BIGINT PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL, id TEXT NOT NULL, head TEXT NOT NULL,
	body TEXT NOT NULL, placement TEXT NOT NULL, created BIGINT NOT NULL, UNIQUE (name, version));
CREATE INDEX distribution_sites_site ON distribution_sites (site);
CREATE INDEX distributions_name ON distributions (name, serial);
CREATE INDEX endpoints_site ON endpoints (site, id);
INSERT INTO audit (id, at, who, action, target, detail) VALUES (1, 1795800942536, 'tester', 'create site', 'shop', '');
INSERT INTO audit (id, at, who, action, target, detail) VALUES (10, 1795800942572, 'tester', 'distribute', 'app@1', 'sites [shop], all false, normal');
INSERT INTO audit (id, at, who, action, target, detail) VALUES (11, 1795800942575, 'tester', 'reserve version', 'app@2', '');
INSERT INTO audit (id, at, who, action, target, detail) VALUES (12, 1795800942579, 'tester', 'publish', 'app@2', '2b5487f5df3c3ada77de9a94a9402429');
INSERT INTO audit (id, at, who, action, target, detail) VALUES (13, 1795800942581, 'tester', 'distribute', 'app@2', 'sites [shop], all false, normal');
INSERT INTO audit (id, at, who, action, target, detail) VALUES (14, 1795800942586, 'tester', 'pause', 'everything at shop', '');
INSERT INTO audit (id, at, who, action, target, detail) VALUES (15, 1795800942591, 'tester', 'priority', 'app@2 everywhere', 'high');
INSERT INTO audit (id, at, who, action, target, detail) VALUES (16, 1795800942596, 'tester', 'create token', 'admin', 'admin');
INSERT INTO audit (id, at, who, action, target, detail) VALUES (17, 1795800942607, 'tester', 'set network', '203.0.113.7/32', 'egress of shop');
INSERT INTO audit (id, at, who, action, target, detail) VALUES (2, 1795800942539, 'tester', 'create site', 'other', '');
INSERT INTO audit (id, at, who, action, target, detail) VALUES (3, 1795800942546, 'tester', 'create enrolment', 'shop', 'token shop/e1, 1 uses');
INSERT INTO audit (id, at, who, action, target, detail) VALUES (4, 1795800942548, 'endpoint e1', 'enrol', 'e1', 'token shop/e1');
INSERT INTO audit (id, at, who, action, target, detail) VALUES (5, 1795800942549, 'tester', 'create enrolment', 'other', 'token other/e2, 1 uses');
INSERT INTO audit (id, at, who, action, target, detail) VALUES (6, 1795800942551, 'endpoint e2', 'enrol', 'e2', 'token other/e2');
INSERT INTO audit (id, at, who, action, target, detail) VALUES (7, 1795800942554, 'tester', 'change trust', 'serial 1', '');
INSERT INTO audit (id, at, who, action, target, detail) VALUES (8, 1795800942558, 'tester', 'reserve version', 'app@1', '');
INSERT INTO audit (id, at, who, action, target, detail) VALUES (9, 1795800942561, 'tester', 'publish', 'app@1', '21c115349ecbe7d7071c0431df3bc24f');
INSERT INTO distribution_sites (distribution, site) VALUES (1, 'shop');
INSERT INTO distribution_sites (distribution, site) VALUES (2, 'shop');
INSERT INTO distributions (id, name, version, serial, every, priority, created, ready_by, pre_stage) VALUES (1, 'app', '1', 1, 0, 'normal', 1795800942571, 0, 0);
INSERT INTO distributions (id, name, version, serial, every, priority, created, ready_by, pre_stage) VALUES (2, 'app', '2', 2, 0, 'normal', 1795800942581, 0, 0);
INSERT INTO endpoints (id, key, name, device, site, created, last_seen, roaming) VALUES ('e1', '6b6579206f66206531', 'till e1', 'linux/amd64', 'shop', 1775023200000, 1775026800000, 0);
INSERT INTO endpoints (id, key, name, device, site, created, last_seen, roaming) VALUES ('e2', '6b6579206f66206532', 'till e2', 'linux/amd64', 'other', 1775023200000, 1775023200000, 0);
INSERT INTO enrolments (id, site, secret, uses, expires, roaming) VALUES ('other/e2', 'other', '68617368', 0, 1775026800000, 0);
INSERT INTO enrolments (id, site, secret, uses, expires, roaming) VALUES ('shop/e1', 'shop', '68617368', 0, 1775026800000, 0);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (1, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (2, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (3, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (4, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (5, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (6, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (7, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (8, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (9, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (10, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (13, 1);
INSERT INTO lines (site, egress, capacity, base, busy, learned) VALUES ('shop', '203.0.113.7', 1099511627776, '{"192.0.2.7:3478":40100}', '[0,0,0,0,0,0,0,0,0,0.25,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1]', 1775023200000);
INSERT INTO meta (key, value) VALUES ('epoch', '7');
INSERT INTO meta (key, value) VALUES ('generation', '5');
INSERT INTO networks (cidr, kind, site) VALUES ('203.0.113.7/32', 'egress', 'shop');
INSERT INTO patches (serial, base, object, due) VALUES (2, '21c115349ecbe7d7071c0431df3bc24f', '', 1);
INSERT INTO receipts (site, version, active, yielded, added) VALUES ('shop', '21c115349ecbe7d7071c0431df3bc24f', 1099511627776, 7, '[3,0,4294967295]');
INSERT INTO rules (id, kind, site, name, version, priority, generation, setter, created, expires, upto) VALUES (1, 'pause', 'shop', '', '', '', 4, 'tester', 1795800942586, 0, 0);
INSERT INTO rules (id, kind, site, name, version, priority, generation, setter, created, expires, upto) VALUES (2, 'priority', '', 'app', '2', 'high', 5, 'tester', 1795800942590, 0, 0);
INSERT INTO sites (name, cidrs, tz, cap, created, hold_off, replicas, relay, relay_secret, peers_on) VALUES ('other', '[]', '', -1, 1795800942539, 0, 0, '', '', '[]');
INSERT INTO sites (name, cidrs, tz, cap, created, hold_off, replicas, relay, relay_secret, peers_on) VALUES ('shop', '["10.1.0.0/16"]', 'UTC', 125000, 1795800942535, 60000, 2, '', '', '[]');
INSERT INTO tokens (hash, name, role, expires) VALUES ('61646d696e2773', 'admin', 'admin', 1775023200000);
INSERT INTO trust (serial, document, created) VALUES (1, '{"serial": 1}', 1795800942553);
INSERT INTO versions (serial, name, version, id, head, body, placement, created) VALUES (1, 'app', '1', '21c115349ecbe7d7071c0431df3bc24f', '{ "z":1,
	"a": "<\u00e9é>", "serial":1, "z":2 }', '21c115349ecbe7d7071c0431df3bc24f2b19b0a1a4a22d8d55358b6c642e4395', 'AP8B/g==', 1795800942560);
INSERT INTO versions (serial, name, version, id, head, body, placement, created) VALUES (2, 'app', '2', '2b5487f5df3c3ada77de9a94a9402429', '{ "z":1,
	"a": "<\u00e9é>", "serial":2, "z":2 }', '2b5487f5df3c3ada77de9a94a9402429c522483680900c1b7f1fbd5eb0ba3cbb', 'AP8B/g==', 1795800942577);
