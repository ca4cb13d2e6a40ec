CREATE TABLE activations (
    id          BIGINT PRIMARY KEY,
    name        TEXT NOT NULL,
    version     TEXT NOT NULL,
    site        TEXT NOT NULL,
    activate    TEXT NOT NULL,
    statement   TEXT NOT NULL,
    activate_at BIGINT NOT NULL,
    instant     BIGINT NOT NULL,
    upto        BIGINT NOT NULL,
    setter      TEXT NOT NULL,
    created     BIGINT NOT NULL
);
CREATE TABLE aims (
	distribution BIGINT PRIMARY KEY REFERENCES distributions (id), target TEXT NOT NULL, not_before BIGINT NOT NULL, rings TEXT NOT NULL,
	replaces BIGINT NOT NULL, retry BIGINT NOT NULL, state TEXT NOT NULL, rollout TEXT NOT NULL);
CREATE TABLE answers (id TEXT PRIMARY KEY, digest TEXT NOT NULL, sealed TEXT NOT NULL, created BIGINT NOT NULL);
CREATE TABLE audit (
	id BIGINT PRIMARY KEY, at BIGINT NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL,
	detail TEXT NOT NULL, was TEXT NOT NULL DEFAULT '', became TEXT NOT NULL DEFAULT '', address TEXT NOT NULL DEFAULT '', via TEXT NOT NULL DEFAULT '', agent TEXT NOT NULL DEFAULT '', hash TEXT NOT NULL DEFAULT '');
CREATE TABLE chunks (
	digest TEXT PRIMARY KEY, plain BIGINT NOT NULL, pack BIGINT NOT NULL REFERENCES packs (id), start BIGINT NOT NULL,
	length BIGINT NOT NULL, encoding BIGINT NOT NULL) WITHOUT ROWID;
CREATE TABLE contracts (version BIGINT PRIMARY KEY);
CREATE TABLE counted (
	endpoint TEXT NOT NULL, version TEXT NOT NULL, origin BIGINT NOT NULL, peer BIGINT NOT NULL, relay BIGINT NOT NULL, reused BIGINT NOT NULL,
	wan BIGINT NOT NULL, complete BIGINT NOT NULL, heard BIGINT NOT NULL, PRIMARY KEY (endpoint, version));
CREATE TABLE daily (
	day TEXT NOT NULL, site TEXT NOT NULL, content TEXT NOT NULL, endpoints BIGINT NOT NULL, origin BIGINT NOT NULL, peer BIGINT NOT NULL,
	relay BIGINT NOT NULL, reused BIGINT NOT NULL, wan BIGINT NOT NULL, alone BIGINT NOT NULL, needed BIGINT NOT NULL, once BIGINT NOT NULL,
	PRIMARY KEY (day, site, content));
CREATE TABLE delivered (version TEXT NOT NULL, site TEXT NOT NULL, PRIMARY KEY (version, site));
CREATE TABLE distribution_sites (
	distribution BIGINT NOT NULL REFERENCES distributions (id), site TEXT NOT NULL REFERENCES sites (name),
	PRIMARY KEY (distribution, site));
CREATE TABLE distributions (
	id BIGINT PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL, serial BIGINT NOT NULL, every BIGINT NOT NULL,
	priority TEXT NOT NULL, created BIGINT NOT NULL, ready_by BIGINT NOT NULL DEFAULT 0, pre_stage BIGINT NOT NULL DEFAULT 0, activate TEXT NOT NULL DEFAULT '', statement TEXT NOT NULL DEFAULT '', activate_at BIGINT NOT NULL DEFAULT 0, instant BIGINT NOT NULL DEFAULT 0);
CREATE TABLE endpoints (
	id TEXT PRIMARY KEY, key TEXT NOT NULL, name TEXT NOT NULL, device TEXT NOT NULL,
	site TEXT NOT NULL REFERENCES sites (name), created BIGINT NOT NULL, last_seen BIGINT NOT NULL, roaming BIGINT NOT NULL DEFAULT 0);
CREATE TABLE enrolments (
	id TEXT PRIMARY KEY, site TEXT NOT NULL REFERENCES sites (name), secret TEXT NOT NULL, uses BIGINT NOT NULL,
	expires BIGINT NOT NULL, roaming BIGINT NOT NULL DEFAULT 0);
CREATE TABLE externals (
    object TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    etag TEXT NOT NULL,
    modified TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    body TEXT NOT NULL,
    changed TEXT NOT NULL,
    checked BIGINT NOT NULL
);
CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
CREATE TABLE invites (
	hash TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, role TEXT NOT NULL, sites TEXT NOT NULL, maker TEXT NOT NULL,
	created BIGINT NOT NULL, expires BIGINT NOT NULL);
CREATE TABLE lines (
	site TEXT NOT NULL REFERENCES sites (name), egress TEXT NOT NULL, capacity BIGINT NOT NULL, base TEXT NOT NULL,
	busy TEXT NOT NULL, learned BIGINT NOT NULL, PRIMARY KEY (site, egress));
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE networks (
	cidr TEXT NOT NULL, kind TEXT NOT NULL, site TEXT NOT NULL REFERENCES sites (name), PRIMARY KEY (cidr, kind, site));
CREATE TABLE operators (
	name TEXT PRIMARY KEY, title TEXT NOT NULL, role TEXT NOT NULL, sites TEXT NOT NULL, password TEXT NOT NULL, issuer TEXT NOT NULL,
	created BIGINT NOT NULL, last_login BIGINT NOT NULL);
CREATE TABLE packs (id BIGINT PRIMARY KEY, digest TEXT NOT NULL UNIQUE, bytes BIGINT NOT NULL DEFAULT 0);
CREATE TABLE patches (serial BIGINT PRIMARY KEY REFERENCES versions (serial), base TEXT NOT NULL, object TEXT NOT NULL, due BIGINT NOT NULL DEFAULT 0);
CREATE TABLE proposals (
	id BIGINT PRIMARY KEY, distribution TEXT NOT NULL, proposer TEXT NOT NULL, person TEXT NOT NULL, created BIGINT NOT NULL,
	state TEXT NOT NULL);
CREATE TABLE receipts (
	site TEXT NOT NULL REFERENCES sites (name), version TEXT NOT NULL, active BIGINT NOT NULL, yielded BIGINT NOT NULL,
	added TEXT NOT NULL, PRIMARY KEY (site, version));
CREATE TABLE revoked_endpoints (id TEXT PRIMARY KEY, revoked BIGINT NOT NULL, reason TEXT NOT NULL);
CREATE TABLE rules (
	id BIGINT PRIMARY KEY, kind TEXT NOT NULL, site TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL,
	priority TEXT NOT NULL, generation BIGINT NOT NULL, setter TEXT NOT NULL, created BIGINT NOT NULL, expires BIGINT NOT NULL DEFAULT 0, upto BIGINT NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '', rate BIGINT NOT NULL DEFAULT 0,
	UNIQUE (kind, site, name, version));
CREATE TABLE sessions (
	hash TEXT PRIMARY KEY, operator TEXT NOT NULL REFERENCES operators (name), created BIGINT NOT NULL, used BIGINT NOT NULL);
CREATE TABLE settings (
	level TEXT NOT NULL, subject TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (level, subject, key));
CREATE TABLE sites (
	name TEXT PRIMARY KEY, cidrs TEXT NOT NULL, tz TEXT NOT NULL, created BIGINT NOT NULL, relay TEXT NOT NULL DEFAULT '', relay_secret TEXT NOT NULL DEFAULT '');
CREATE TABLE spent (site TEXT PRIMARY KEY REFERENCES sites (name), month TEXT NOT NULL, bytes BIGINT NOT NULL);
CREATE TABLE tagged (
	tag TEXT NOT NULL REFERENCES tags (name), kind TEXT NOT NULL, subject TEXT NOT NULL, PRIMARY KEY (tag, kind, subject));
CREATE TABLE tags (name TEXT PRIMARY KEY, priority BIGINT NOT NULL);
CREATE TABLE tokens (hash TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, expires BIGINT NOT NULL, sites TEXT NOT NULL DEFAULT '', maker TEXT NOT NULL DEFAULT '', created BIGINT NOT NULL DEFAULT 0, used BIGINT NOT NULL DEFAULT 0);
CREATE TABLE trust (serial BIGINT PRIMARY KEY, document TEXT NOT NULL, created BIGINT NOT NULL);
CREATE TABLE unused (object TEXT PRIMARY KEY, since BIGINT NOT NULL, doomed BIGINT NOT NULL DEFAULT 0);
CREATE TABLE versions (
	serial BIGINT PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL, id TEXT NOT NULL, head TEXT NOT NULL,
	body TEXT NOT NULL, placement TEXT NOT NULL, created BIGINT NOT NULL, removed BIGINT NOT NULL DEFAULT 0, UNIQUE (name, version));
CREATE INDEX activations_site ON activations (site);
CREATE INDEX activations_version ON activations (name, version);
CREATE INDEX aims_state ON aims (state);
CREATE INDEX answers_created ON answers (created, id);
CREATE INDEX chunks_pack ON chunks (pack);
CREATE INDEX daily_site ON daily (site, day);
CREATE INDEX distribution_sites_site ON distribution_sites (site);
CREATE INDEX distributions_name ON distributions (name, serial);
CREATE INDEX endpoints_site ON endpoints (site, id);
CREATE INDEX sessions_operator ON sessions (operator);
CREATE INDEX tagged_subject ON tagged (kind, subject);
CREATE TRIGGER audit_complete BEFORE DELETE ON audit BEGIN
	SELECT RAISE(ABORT, 'the audit log is only added to');
END;
CREATE TRIGGER audit_once BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id) BEGIN
	SELECT RAISE(ABORT, 'the audit log is only added to');
END;
CREATE TRIGGER audit_unaltered BEFORE UPDATE ON audit WHEN OLD.hash <> '' BEGIN
	SELECT RAISE(ABORT, 'the audit log is only added to');
END;
INSERT INTO activations (id, name, version, site, activate, statement, activate_at, instant, upto, setter, created) VALUES (1, 'app', '2', 'shop', 'hold', '', 0, 0, 2, 'tester', 1795812149316);
INSERT INTO aims (distribution, target, not_before, rings, replaces, retry, state, rollout) VALUES (3, '', 1775080800000, '[{"name":"canary","target":"tag:canary","delivered_percent":95,"failed_percent":5,"soak_seconds":60,"at_once":0,"halt_percent":10},{"name":"rest","target":"rest","delivered_percent":95,"failed_percent":5,"soak_seconds":60,"at_once":0,"halt_percent":10}]', 0, 0, 'waiting', '{"state":"waiting","reason":"its first ring opens in a moment","open":0,"changed":"2026-11-27T20:42:29.405200205Z"}');
INSERT INTO answers (id, digest, sealed, created) VALUES ('answer', 'digest', 'AP8=', 1775023200000);
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (1, 1795812149242, 'tester', 'create site', 'shop', '', '', '{"name":"shop","cidrs":["10.1.0.0/16"],"tz":"UTC","cap_bytes_per_second":125000,"hold_off_ms":60000,"replicas":2,"peers_on":null,"created":"2026-11-27T20:42:29.241422541Z"}', '', '', '', 'd692a97f7017c48a32924b12b0761022e5c4fbf774c18bc0e93d7580c7fd436f');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (10, 1795812149294, 'tester', 'publish', 'app@1', '21c115349ecbe7d7071c0431df3bc24f', '', '{"body":"21c115349ecbe7d7071c0431df3bc24f2b19b0a1a4a22d8d55358b6c642e4395","id":"21c115349ecbe7d7071c0431df3bc24f","serial":1}', '', '', '', '9b1bf76ba2d23587f7c6497ac48f27e194a53efd7efc264c041041a9ac075126');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (11, 1795812149308, 'tester', 'distribute', 'app@1', 'sites [shop], all false, normal', '', '{"id":1,"name":"app","version":"1","serial":1,"sites":["shop"],"priority":"normal","created":"2026-11-27T20:42:29.307925011Z"}', '', '', '', '0edf0d9f3e9bb3dd5598e59295554e35ab632dd83da9d88c41f5f4582105606a');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (12, 1795812149311, 'tester', 'reserve version', 'app@2', '', '', '', '', '', '', '37f5a2c7236bc0fc4806343c25b9efc4feaedb6201a5408d4b9e6be8924e7d1a');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (13, 1795812149313, 'tester', 'publish', 'app@2', '2b5487f5df3c3ada77de9a94a9402429', '', '{"body":"2b5487f5df3c3ada77de9a94a9402429c522483680900c1b7f1fbd5eb0ba3cbb","id":"2b5487f5df3c3ada77de9a94a9402429","serial":2}', '', '', '', '56f0a0a262b0e5bc9efcdafd43e83d575b736c28d674b974dedcc909b3cdb119');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (14, 1795812149314, 'tester', 'distribute', 'app@2', 'sites [shop], all false, normal', '', '{"id":2,"name":"app","version":"2","serial":2,"sites":["shop"],"priority":"normal","created":"2026-11-27T20:42:29.314303125Z"}', '', '', '', 'f76c5b8e6914deb1af412504391947ce704993f2614f73aac3d6776748dadc95');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (15, 1795812149316, 'tester', 'activate', 'app@2', 'shop, held until it is activated', '', '{"activate":"hold"}', '', '', '', 'db19b881858d4a742002ca9d51b8a763fb50755b78d255a9ee7f7e6e771133f6');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (16, 1795812149320, 'tester', 'pause', 'everything at shop', '', '', '{"site":"shop","kind":"pause","generation":5,"by":"tester","created":"2026-11-27T20:42:29.320257474Z"}', '', '', '', '3e6b2febf70acaa04d64e6388e13273f49630279a43b5a0d6e0edfd2e0b77a48');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (17, 1795812149326, 'tester', 'priority', 'app@2 everywhere', 'high', '', '{"content":"app","version":"2","kind":"priority","priority":"high","generation":6,"by":"tester","created":"2026-11-27T20:42:29.326099914Z"}', '', '', '', '4540ace7dbc5e233ce2f5d68da97f9c796842dfb4ebe4813f5771780e986f3c1');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (18, 1795812149330, 'tester', 'create token', 'admin', 'admin', '', '{"name":"admin","role":"admin","expires":"2026-04-01T06:00:00Z"}', '', '', '', 'c2f72996f71b08aa240c0a1306d5c3e05ea37ee98a443c0385bdc60fa2338ce3');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (19, 1795812149351, 'tester', 'set network', '203.0.113.7/32', 'egress of shop', '', '', '', '', '', '588920f94d85655c156dc20b8f4346a6ccb5ccf61a9423396275f21271b793c1');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (2, 1795812149251, 'tester', 'create site', 'other', '', '', '{"name":"other","cidrs":null,"cap_bytes_per_second":-1,"hold_off_ms":0,"replicas":0,"peers_on":null,"created":"2026-11-27T20:42:29.251297125Z"}', '', '', '', '39ea7f30ff0907730bc34c0537d2cade99f2e2a2afeb388b1485ebb95d22ac9c');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (20, 1795812149357, 'tester', 'invite operator', 'anna', 'admin', '', '{"name":"anna","role":"admin","by":"tester","created":"2026-04-01T06:00:00Z","expires":"2026-11-27T21:42:29.35740082Z"}', '', '', '', '63cc79763c207c7a0fbf2f438fca066f8fdc2d8647ce76a6bd94c564ae105214');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (21, 1795812149360, 'anna', 'accept invitation', 'anna', 'made by tester', '', '{"name":"anna","role":"admin","created":"2026-04-01T06:00:00Z"}', '', '', '', '691cb4aabf289bd0c69d80ea35d7e53ee47beade41d59257539bf6958dffd087');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (22, 1795812149362, 'anna', 'log in', 'anna', '', '', '', '', '', '', '590aa4661746fdbb01c08bcd59bad7e4b4f33764cdff4ff03b9ee003d79daf82');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (23, 1795812149365, 'tester', 'invite operator', 'ben', 'operator', '', '{"name":"ben","role":"operator","sites":["shop"],"by":"tester","created":"2026-04-01T06:00:00Z","expires":"2026-04-02T06:00:00Z"}', '', '', '', '91262bcf78990c3330d32a3b5c1cb50181d95525a59a163bd8bdbc0febceeada');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (24, 1795812149374, 'anna', 'propose distribution', 'app@1', 'sites [], all true, normal', '', '{"id":0,"name":"app","version":"1","serial":0,"all":true,"priority":"normal","created":"0001-01-01T00:00:00Z"}', '', '', '', 'f95b1d2190fc037a897b526f193b8a8ca54dfb0ac774246d3c4e750e2ed1e7ce');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (25, 1795812149380, 'tester', 'tag', 'rural', 'new, priority 3, + site shop, + endpoint e1', '', '{"name":"rural","priority":3,"sites":["shop"],"endpoints":["e1"]}', '', '', '', '358ed6e37615b131a3c71e791a7419a6d39ccb86c01233e8a01f472ede053d53');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (26, 1795812149382, 'tester', 'settings', 'organisation', 'wan_cap_hours: not set -> mon-fri 08:00-18:00 2mbit; * none', '', '{"wan_cap_hours":"mon-fri 08:00-18:00 2mbit; * none"}', '', '', '', 'f4c55ab4525a02429b52e512732312143443640f2592542268933a5918b22eab');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (27, 1795812149384, 'tester', 'settings', 'tag rural', 'wan_rate: not set -> 6mbit', '', '{"wan_rate":"6mbit"}', '', '', '', '4febba625989a7d9873a01bfe6f7162c055086746f357631d6055dc760bbf2fd');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (28, 1795812149394, 'tester', 'note vendor''s file', 'https://vendor.example/filled', '38227814ba3b26895eb50a93018daf939dd1e8047906ac68ddcafcee0a3d9ffc', '', '', '', '', '', '2074c6f3cd0c2c01d13ef3307ced9349e430e7497fa9da076133e30f4ced9015');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (29, 1795812149402, 'tester', 'tag', 'canary', 'new, priority 0, + site shop', '', '{"name":"canary","priority":0,"sites":["shop"],"endpoints":[]}', '', '', '', 'd58926e7c6bd7135c7d8fb79e33fffdd0b015a23adb1cb819b971bf2cd41a2d8');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (3, 1795812149258, 'tester', 'create enrolment', 'shop', 'token shop/e1, 1 uses', '', '{"expires":"2026-04-01T07:00:00Z","id":"shop/e1","site":"shop","uses":1}', '', '', '', '6f6d5530f17afbafa32b5719cb3960c340e171e04a7be7b15fb35c12561ac70e');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (30, 1795812149406, 'tester', 'distribute', 'app@2', 'sites [], all true, normal, not before 2026-04-01T22:00:00Z, ring 1 canary: tag:canary, ring 2 rest: rest', '', '{"id":3,"name":"app","version":"2","serial":2,"all":true,"priority":"normal","created":"2026-11-27T20:42:29.405200205Z","not_before":"2026-04-01T22:00:00Z","rings":[{"name":"canary","target":"tag:canary","delivered_percent":95,"failed_percent":5,"soak_seconds":60,"at_once":0,"halt_percent":10},{"name":"rest","target":"rest","delivered_percent":95,"failed_percent":5,"soak_seconds":60,"at_once":0,"halt_percent":10}],"rollout":{"state":"waiting","reason":"its first ring opens in a moment","open":0,"changed":"2026-11-27T20:42:29.405200205Z"}}', '', '', '', '6b0545055f30f6b15a4ec1476b387e3ad55e28a257f5b64a0aaa71ca71df105d');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (4, 1795812149260, 'endpoint e1', 'enrol', 'e1', 'token shop/e1', '', '{"site":"shop","name":"till e1","device":"linux/amd64"}', '', '', '', 'e9085ae803cb330b2cceab9988b80a805cf84e201f9cb8cbe19f9833a04a71af');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (5, 1795812149272, 'tester', 'create enrolment', 'other', 'token other/e2, 1 uses', '', '{"expires":"2026-04-01T07:00:00Z","id":"other/e2","site":"other","uses":1}', '', '', '', '8d9c10985faac3e727b64bca7b7a3b72bd87fcf00eef0cb5272f3a5f0a53ca2c');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (6, 1795812149278, 'endpoint e2', 'enrol', 'e2', 'token other/e2', '', '{"site":"other","name":"till e2","device":"linux/amd64"}', '', '', '', 'be041bace4a60b466b7e711e5d13cd98328605db6b1f89d9bf27af03a724d859');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (7, 1795812149286, 'tester', 'revoke endpoint', 'e2', 'stolen', '', '', '', '', '', 'a9df9affdc888302916f23c712b1902a5d32c4060a3e85f55775a58338bb7bfa');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (8, 1795812149288, 'tester', 'change trust', 'serial 1', '', '{"serial":0}', '{"document":{"serial":1},"serial":1}', '', '', '', '8d0216f2e26bd58ddc64a0591d3bc01e25513a55f8bd6c6e35c4c02adb2525ef');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (9, 1795812149290, 'tester', 'reserve version', 'app@1', '', '', '', '', '', '', '145f6e46de4457c07f2e2356413d9d029fd62afb5ac243119271799178bf8c65');
INSERT INTO contracts (version) VALUES (21);
INSERT INTO counted (endpoint, version, origin, peer, relay, reused, wan, complete, heard) VALUES ('e1', '21c115349ecbe7d7071c0431df3bc24f', 50, 40, 3, 7, 50, 1, 1775044800000);
INSERT INTO daily (day, site, content, endpoints, origin, peer, relay, reused, wan, alone, needed, once) VALUES ('2026-04-01', 'shop', 'app', 1, 50, 40, 3, 7, 56, 93, 93, 93);
INSERT INTO delivered (version, site) VALUES ('21c115349ecbe7d7071c0431df3bc24f', 'shop');
INSERT INTO distribution_sites (distribution, site) VALUES (1, 'shop');
INSERT INTO distribution_sites (distribution, site) VALUES (2, 'shop');
INSERT INTO distributions (id, name, version, serial, every, priority, created, ready_by, pre_stage, activate, statement, activate_at, instant) VALUES (1, 'app', '1', 1, 0, 'normal', 1795812149307, 0, 0, '', '', 0, 0);
INSERT INTO distributions (id, name, version, serial, every, priority, created, ready_by, pre_stage, activate, statement, activate_at, instant) VALUES (2, 'app', '2', 2, 0, 'normal', 1795812149314, 0, 0, '', '', 0, 0);
INSERT INTO distributions (id, name, version, serial, every, priority, created, ready_by, pre_stage, activate, statement, activate_at, instant) VALUES (3, 'app', '2', 2, 1, 'normal', 1795812149405, 0, 0, '', '', 0, 0);
INSERT INTO endpoints (id, key, name, device, site, created, last_seen, roaming) VALUES ('e1', '6b6579206f66206531', 'till e1', 'linux/amd64', 'shop', 1775023200000, 1775026800000, 0);
INSERT INTO endpoints (id, key, name, device, site, created, last_seen, roaming) VALUES ('e2', '6b6579206f66206532', 'till e2', 'linux/amd64', 'other', 1775023200000, 1775023200000, 0);
INSERT INTO enrolments (id, site, secret, uses, expires, roaming) VALUES ('other/e2', 'other', '68617368', 0, 1775026800000, 0);
INSERT INTO enrolments (id, site, secret, uses, expires, roaming) VALUES ('shop/e1', 'shop', '68617368', 0, 1775026800000, 0);
INSERT INTO externals (object, url, etag, modified, bytes, body, changed, checked) VALUES ('38227814ba3b26895eb50a93018daf939dd1e8047906ac68ddcafcee0a3d9ffc', 'https://vendor.example/filled', '"v1"', 'Tue, 24 Nov 2026 08:00:00 GMT', 300000, '40013f598e645421a94e59dbf60bf58a21ccdbd0c8236cac30eb8db6e42d1401', '', 1775023200000);
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
INSERT INTO goose_db_version (version_id, is_applied) VALUES (11, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (12, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (13, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (14, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (15, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (16, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (17, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (18, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (19, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (20, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (21, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (23, 1);
INSERT INTO invites (hash, name, role, sites, maker, created, expires) VALUES ('696e76697465732062656e', 'ben', 'operator', '["shop"]', 'tester', 1775023200000, 1775109600000);
INSERT INTO lines (site, egress, capacity, base, busy, learned) VALUES ('shop', '203.0.113.7', 1099511627776, '{"192.0.2.7:3478":40100}', '[0,0,0,0,0,0,0,0,0,0.25,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1]', 1775023200000);
INSERT INTO meta (key, value) VALUES ('audit_head', '{"id":30,"hash":"6b0545055f30f6b15a4ec1476b387e3ad55e28a257f5b64a0aaa71ca71df105d"}');
INSERT INTO meta (key, value) VALUES ('epoch', '7');
INSERT INTO meta (key, value) VALUES ('generation', '11');
INSERT INTO networks (cidr, kind, site) VALUES ('203.0.113.7/32', 'egress', 'shop');
INSERT INTO operators (name, title, role, sites, password, issuer, created, last_login) VALUES ('anna', '', 'admin', '', 'hash of anna', '', 1775023200000, 1775023200000);
INSERT INTO patches (serial, base, object, due) VALUES (2, '21c115349ecbe7d7071c0431df3bc24f', '', 1);
INSERT INTO proposals (id, distribution, proposer, person, created, state) VALUES (1, '{"id":0,"name":"app","version":"1","serial":0,"all":true,"priority":"normal","created":"0001-01-01T00:00:00Z"}', 'anna', 'anna', 1795812149374, 'open');
INSERT INTO receipts (site, version, active, yielded, added) VALUES ('shop', '21c115349ecbe7d7071c0431df3bc24f', 1099511627776, 7, '[3,0,4294967295]');
INSERT INTO revoked_endpoints (id, revoked, reason) VALUES ('e2', 1775023200000, 'stolen');
INSERT INTO rules (id, kind, site, name, version, priority, generation, setter, created, expires, upto, reason, rate) VALUES (1, 'pause', 'shop', '', '', '', 5, 'tester', 1795812149320, 0, 0, '', 0);
INSERT INTO rules (id, kind, site, name, version, priority, generation, setter, created, expires, upto, reason, rate) VALUES (2, 'priority', '', 'app', '2', 'high', 6, 'tester', 1795812149326, 0, 0, '', 0);
INSERT INTO sessions (hash, operator, created, used) VALUES ('73', 'anna', 1775023200000, 1775023200000);
INSERT INTO settings (level, subject, key, value) VALUES ('organisation', '', 'wan_cap_hours', 'mon-fri 08:00-18:00 2mbit; * none');
INSERT INTO settings (level, subject, key, value) VALUES ('site', 'shop', 'hold_off', '60000ms');
INSERT INTO settings (level, subject, key, value) VALUES ('site', 'shop', 'replicas', '2');
INSERT INTO settings (level, subject, key, value) VALUES ('site', 'shop', 'wan_cap', '1mbit');
INSERT INTO settings (level, subject, key, value) VALUES ('tag', 'rural', 'wan_rate', '6mbit');
INSERT INTO sites (name, cidrs, tz, created, relay, relay_secret) VALUES ('other', '[]', '', 1795812149251, '', '');
INSERT INTO sites (name, cidrs, tz, created, relay, relay_secret) VALUES ('shop', '["10.1.0.0/16"]', 'UTC', 1795812149241, '', '');
INSERT INTO spent (site, month, bytes) VALUES ('shop', '2026-04', 1099511627776);
INSERT INTO tagged (tag, kind, subject) VALUES ('canary', 'site', 'shop');
INSERT INTO tagged (tag, kind, subject) VALUES ('rural', 'endpoint', 'e1');
INSERT INTO tagged (tag, kind, subject) VALUES ('rural', 'site', 'shop');
INSERT INTO tags (name, priority) VALUES ('canary', 0);
INSERT INTO tags (name, priority) VALUES ('rural', 3);
INSERT INTO tokens (hash, name, role, expires, sites, maker, created, used) VALUES ('61646d696e2773', 'admin', 'admin', 1775023200000, '', '', 0, 0);
INSERT INTO trust (serial, document, created) VALUES (1, '{"serial": 1}', 1795812149288);
INSERT INTO unused (object, since, doomed) VALUES ('38227814ba3b26895eb50a93018daf939dd1e8047906ac68ddcafcee0a3d9ffc', 1795812149394, 0);
INSERT INTO unused (object, since, doomed) VALUES ('e224ddc6b55af8b2a88404a0b6cb2617db0dfc25b3584a4dd7c4358d911e91f5', 1795812149341, 0);
INSERT INTO versions (serial, name, version, id, head, body, placement, created, removed) VALUES (1, 'app', '1', '21c115349ecbe7d7071c0431df3bc24f', '{ "z":1,
	"a": "<\u00e9é>", "serial":1, "z":2 }', '21c115349ecbe7d7071c0431df3bc24f2b19b0a1a4a22d8d55358b6c642e4395', 'AP8B/g==', 1795812149293, 0);
INSERT INTO versions (serial, name, version, id, head, body, placement, created, removed) VALUES (2, 'app', '2', '2b5487f5df3c3ada77de9a94a9402429', '{ "z":1,
	"a": "<\u00e9é>", "serial":2, "z":2 }', '2b5487f5df3c3ada77de9a94a9402429c522483680900c1b7f1fbd5eb0ba3cbb', 'AP8B/g==', 1795812149312, 0);
