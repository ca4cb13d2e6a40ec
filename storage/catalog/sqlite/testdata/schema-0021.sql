CREATE TABLE answers (id TEXT PRIMARY KEY, digest TEXT NOT NULL, sealed TEXT NOT NULL, created BIGINT NOT NULL);
CREATE TABLE audit (
	id BIGINT PRIMARY KEY, at BIGINT NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL,
	detail TEXT NOT NULL, was TEXT NOT NULL DEFAULT '', became TEXT NOT NULL DEFAULT '', address TEXT NOT NULL DEFAULT '', via TEXT NOT NULL DEFAULT '', agent TEXT NOT NULL DEFAULT '', hash TEXT NOT NULL DEFAULT '');
CREATE TABLE chunks (
	digest TEXT PRIMARY KEY, plain BIGINT NOT NULL, pack BIGINT NOT NULL REFERENCES packs (id), start BIGINT NOT NULL,
	length BIGINT NOT NULL, encoding BIGINT NOT NULL) WITHOUT ROWID;
CREATE TABLE contracts (version BIGINT PRIMARY KEY);
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
	priority TEXT NOT NULL, generation BIGINT NOT NULL, setter TEXT NOT NULL, created BIGINT NOT NULL, expires BIGINT NOT NULL DEFAULT 0, upto BIGINT NOT NULL DEFAULT 0,
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
CREATE INDEX answers_created ON answers (created, id);
CREATE INDEX chunks_pack ON chunks (pack);
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
INSERT INTO answers (id, digest, sealed, created) VALUES ('answer', 'digest', 'AP8=', 1775023200000);
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (1, 1795810765310, 'tester', 'create site', 'shop', '', '', '{"name":"shop","cidrs":["10.1.0.0/16"],"tz":"UTC","cap_bytes_per_second":125000,"hold_off_ms":60000,"replicas":2,"peers_on":null,"created":"2026-11-27T20:19:25.310596795Z"}', '', '', '', '9a4e93102ee834fd484dfeb0016061cb3a2d7663deab0db2b934f3044f09228e');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (10, 1795810765419, 'tester', 'publish', 'app@1', '21c115349ecbe7d7071c0431df3bc24f', '', '{"body":"21c115349ecbe7d7071c0431df3bc24f2b19b0a1a4a22d8d55358b6c642e4395","id":"21c115349ecbe7d7071c0431df3bc24f","serial":1}', '', '', '', 'c5db2c1d32b9f49c6b64e524fca92e5e833992a4f6c5e980084af6a7af0bdef6');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (11, 1795810765430, 'tester', 'distribute', 'app@1', 'sites [shop], all false, normal', '', '{"id":1,"name":"app","version":"1","serial":1,"sites":["shop"],"priority":"normal","created":"2026-11-27T20:19:25.429724633Z"}', '', '', '', '7b1a78e648a2197017182fba681e2aab08bcbe3b1320f0d3bcf465364b257991');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (12, 1795810765441, 'tester', 'reserve version', 'app@2', '', '', '', '', '', '', '3a8a2e67f2812856ea50b856c89d4ac94e43789eb9a8e25a023985d717952c85');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (13, 1795810765459, 'tester', 'publish', 'app@2', '2b5487f5df3c3ada77de9a94a9402429', '', '{"body":"2b5487f5df3c3ada77de9a94a9402429c522483680900c1b7f1fbd5eb0ba3cbb","id":"2b5487f5df3c3ada77de9a94a9402429","serial":2}', '', '', '', '86134875ff812f5e6eaf16ef6383f18599ecee937208d2a25b10f95a7e274491');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (14, 1795810765475, 'tester', 'distribute', 'app@2', 'sites [shop], all false, normal', '', '{"id":2,"name":"app","version":"2","serial":2,"sites":["shop"],"priority":"normal","created":"2026-11-27T20:19:25.474756085Z"}', '', '', '', '6ff10019e599bfdd3bbcd3578a631277b961ef1b0193996e21f248e59294c988');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (15, 1795810765486, 'tester', 'pause', 'everything at shop', '', '', '{"site":"shop","kind":"pause","generation":4,"by":"tester","created":"2026-11-27T20:19:25.485787408Z"}', '', '', '', 'ca48d306ddce0ed87fb0d1b77a2b3d01642955c8d552dbc8f11a4d18a3e66215');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (16, 1795810765494, 'tester', 'priority', 'app@2 everywhere', 'high', '', '{"content":"app","version":"2","kind":"priority","priority":"high","generation":5,"by":"tester","created":"2026-11-27T20:19:25.494559474Z"}', '', '', '', '1f653879e3a4b11ea6bb0ea598c223d47fdafd91f82fde20c3485384192e1c74');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (17, 1795810765509, 'tester', 'create token', 'admin', 'admin', '', '{"name":"admin","role":"admin","expires":"2026-04-01T06:00:00Z"}', '', '', '', '66bb032378dd0228183cfb1626966a3148cf5fe4359d44a6d31fb904ebb19db6');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (18, 1795810765555, 'tester', 'set network', '203.0.113.7/32', 'egress of shop', '', '', '', '', '', '91d2e7fa385b81f92a6dbe2df1ed2620bb9fd7e8b23d34c8609c52f9d1ac93d0');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (19, 1795810765563, 'tester', 'invite operator', 'anna', 'admin', '', '{"name":"anna","role":"admin","by":"tester","created":"2026-04-01T06:00:00Z","expires":"2026-11-27T21:19:25.563172772Z"}', '', '', '', '2840f7cc3bd0e8972643f637813b3a2918177f5033dab1e83c659f3682c1c572');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (2, 1795810765316, 'tester', 'create site', 'other', '', '', '{"name":"other","cidrs":null,"cap_bytes_per_second":-1,"hold_off_ms":0,"replicas":0,"peers_on":null,"created":"2026-11-27T20:19:25.312892211Z"}', '', '', '', '013a736b1cfb1ca3c681758c7dedf6130f92d891463b3b8aa493f03d81bfca2b');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (20, 1795810765565, 'anna', 'accept invitation', 'anna', 'made by tester', '', '{"name":"anna","role":"admin","created":"2026-04-01T06:00:00Z"}', '', '', '', 'd6bcd78243501c25461c02896d957ad3db63e7617de52c6ba6ed509060ec03c5');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (21, 1795810765578, 'anna', 'log in', 'anna', '', '', '', '', '', '', 'c21ad6dab96734e526204f866b8695cbf139314bf71578346478b32d9378de36');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (22, 1795810765585, 'tester', 'invite operator', 'ben', 'operator', '', '{"name":"ben","role":"operator","sites":["shop"],"by":"tester","created":"2026-04-01T06:00:00Z","expires":"2026-04-02T06:00:00Z"}', '', '', '', '5239e8cb45ef68c413f290f84b8f080e2ac846d43dfa663109fce951ebea9d87');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (23, 1795810765596, 'anna', 'propose distribution', 'app@1', 'sites [], all true, normal', '', '{"id":0,"name":"app","version":"1","serial":0,"all":true,"priority":"normal","created":"0001-01-01T00:00:00Z"}', '', '', '', '64f65e00fce084476556596857ffdce9d841f94a679c0d049845cbd4036c62b8');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (24, 1795810765610, 'tester', 'tag', 'rural', 'new, priority 3, + site shop, + endpoint e1', '', '{"name":"rural","priority":3,"sites":["shop"],"endpoints":["e1"]}', '', '', '', '25d9fd95ffc968b1a6fe37bd623f64ba93b298522f3ae9c84bd6d510e44d1056');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (25, 1795810765613, 'tester', 'settings', 'organisation', 'wan_cap_hours: not set -> mon-fri 08:00-18:00 2mbit; * none', '', '{"wan_cap_hours":"mon-fri 08:00-18:00 2mbit; * none"}', '', '', '', 'fc4a7e6d1446a91fa0a99183d77b5d0631e5004c706ad8e7194807cc566f43ab');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (26, 1795810765621, 'tester', 'settings', 'tag rural', 'wan_rate: not set -> 6mbit', '', '{"wan_rate":"6mbit"}', '', '', '', 'aa028c7342e22dae34d57e71cc4cd5eb98c3af3589b93889019acf1d79484d90');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (3, 1795810765338, 'tester', 'create enrolment', 'shop', 'token shop/e1, 1 uses', '', '{"expires":"2026-04-01T07:00:00Z","id":"shop/e1","site":"shop","uses":1}', '', '', '', 'c4b1cf506842d277c9a838bfbd6a999705131200ec2a433c6c1fd13960e28930');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (4, 1795810765349, 'endpoint e1', 'enrol', 'e1', 'token shop/e1', '', '{"site":"shop","name":"till e1","device":"linux/amd64"}', '', '', '', '76ef86ce651d253da5a4b7f8467f98c91908215a7f16db54c86ddf486d5b9b2d');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (5, 1795810765359, 'tester', 'create enrolment', 'other', 'token other/e2, 1 uses', '', '{"expires":"2026-04-01T07:00:00Z","id":"other/e2","site":"other","uses":1}', '', '', '', '69415dbeb992e0496857f98c7e1ecca4a8bc9aa82277a0ecab67f3ccd8fb6955');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (6, 1795810765365, 'endpoint e2', 'enrol', 'e2', 'token other/e2', '', '{"site":"other","name":"till e2","device":"linux/amd64"}', '', '', '', '3a8a81c7d737ab4e9daccb3ba51eef9cdd4c90f9c4b846224a7f728e091eabfe');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (7, 1795810765379, 'tester', 'revoke endpoint', 'e2', 'stolen', '', '', '', '', '', '0621b6535c558471612a1bbf438aeb161aeb63c74b6b1d9c6a7923c4df3a6eea');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (8, 1795810765388, 'tester', 'change trust', 'serial 1', '', '{"serial":0}', '{"document":{"serial":1},"serial":1}', '', '', '', '468537c32cf6b20a7b4cb42c78b65e711351186a14748aac655ad9bf3ec39455');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (9, 1795810765398, 'tester', 'reserve version', 'app@1', '', '', '', '', '', '', 'cc64bb7eee62502ebe6853ece2876c26020a2e40ed63b57179d17429c03a678c');
INSERT INTO contracts (version) VALUES (21);
INSERT INTO distribution_sites (distribution, site) VALUES (1, 'shop');
INSERT INTO distribution_sites (distribution, site) VALUES (2, 'shop');
INSERT INTO distributions (id, name, version, serial, every, priority, created, ready_by, pre_stage) VALUES (1, 'app', '1', 1, 0, 'normal', 1795810765429, 0, 0);
INSERT INTO distributions (id, name, version, serial, every, priority, created, ready_by, pre_stage) VALUES (2, 'app', '2', 2, 0, 'normal', 1795810765474, 0, 0);
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
INSERT INTO goose_db_version (version_id, is_applied) VALUES (11, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (12, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (13, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (14, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (15, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (16, 1);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (21, 1);
INSERT INTO invites (hash, name, role, sites, maker, created, expires) VALUES ('696e76697465732062656e', 'ben', 'operator', '["shop"]', 'tester', 1775023200000, 1775109600000);
INSERT INTO lines (site, egress, capacity, base, busy, learned) VALUES ('shop', '203.0.113.7', 1099511627776, '{"192.0.2.7:3478":40100}', '[0,0,0,0,0,0,0,0,0,0.25,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1]', 1775023200000);
INSERT INTO meta (key, value) VALUES ('audit_head', '{"id":26,"hash":"aa028c7342e22dae34d57e71cc4cd5eb98c3af3589b93889019acf1d79484d90"}');
INSERT INTO meta (key, value) VALUES ('epoch', '7');
INSERT INTO meta (key, value) VALUES ('generation', '8');
INSERT INTO networks (cidr, kind, site) VALUES ('203.0.113.7/32', 'egress', 'shop');
INSERT INTO operators (name, title, role, sites, password, issuer, created, last_login) VALUES ('anna', '', 'admin', '', 'hash of anna', '', 1775023200000, 1775023200000);
INSERT INTO patches (serial, base, object, due) VALUES (2, '21c115349ecbe7d7071c0431df3bc24f', '', 1);
INSERT INTO proposals (id, distribution, proposer, person, created, state) VALUES (1, '{"id":0,"name":"app","version":"1","serial":0,"all":true,"priority":"normal","created":"0001-01-01T00:00:00Z"}', 'anna', 'anna', 1795810765595, 'open');
INSERT INTO receipts (site, version, active, yielded, added) VALUES ('shop', '21c115349ecbe7d7071c0431df3bc24f', 1099511627776, 7, '[3,0,4294967295]');
INSERT INTO revoked_endpoints (id, revoked, reason) VALUES ('e2', 1775023200000, 'stolen');
INSERT INTO rules (id, kind, site, name, version, priority, generation, setter, created, expires, upto) VALUES (1, 'pause', 'shop', '', '', '', 4, 'tester', 1795810765485, 0, 0);
INSERT INTO rules (id, kind, site, name, version, priority, generation, setter, created, expires, upto) VALUES (2, 'priority', '', 'app', '2', 'high', 5, 'tester', 1795810765494, 0, 0);
INSERT INTO sessions (hash, operator, created, used) VALUES ('73', 'anna', 1775023200000, 1775023200000);
INSERT INTO settings (level, subject, key, value) VALUES ('organisation', '', 'wan_cap_hours', 'mon-fri 08:00-18:00 2mbit; * none');
INSERT INTO settings (level, subject, key, value) VALUES ('site', 'shop', 'hold_off', '60000ms');
INSERT INTO settings (level, subject, key, value) VALUES ('site', 'shop', 'replicas', '2');
INSERT INTO settings (level, subject, key, value) VALUES ('site', 'shop', 'wan_cap', '1mbit');
INSERT INTO settings (level, subject, key, value) VALUES ('tag', 'rural', 'wan_rate', '6mbit');
INSERT INTO sites (name, cidrs, tz, created, relay, relay_secret) VALUES ('other', '[]', '', 1795810765312, '', '');
INSERT INTO sites (name, cidrs, tz, created, relay, relay_secret) VALUES ('shop', '["10.1.0.0/16"]', 'UTC', 1795810765310, '', '');
INSERT INTO spent (site, month, bytes) VALUES ('shop', '2026-04', 1099511627776);
INSERT INTO tagged (tag, kind, subject) VALUES ('rural', 'endpoint', 'e1');
INSERT INTO tagged (tag, kind, subject) VALUES ('rural', 'site', 'shop');
INSERT INTO tags (name, priority) VALUES ('rural', 3);
INSERT INTO tokens (hash, name, role, expires, sites, maker, created, used) VALUES ('61646d696e2773', 'admin', 'admin', 1775023200000, '', '', 0, 0);
INSERT INTO trust (serial, document, created) VALUES (1, '{"serial": 1}', 1795810765388);
INSERT INTO unused (object, since, doomed) VALUES ('e224ddc6b55af8b2a88404a0b6cb2617db0dfc25b3584a4dd7c4358d911e91f5', 1795810765543, 0);
INSERT INTO versions (serial, name, version, id, head, body, placement, created, removed) VALUES (1, 'app', '1', '21c115349ecbe7d7071c0431df3bc24f', '{ "z":1,
	"a": "<\u00e9é>", "serial":1, "z":2 }', '21c115349ecbe7d7071c0431df3bc24f2b19b0a1a4a22d8d55358b6c642e4395', 'AP8B/g==', 1795810765417, 0);
INSERT INTO versions (serial, name, version, id, head, body, placement, created, removed) VALUES (2, 'app', '2', '2b5487f5df3c3ada77de9a94a9402429', '{ "z":1,
	"a": "<\u00e9é>", "serial":2, "z":2 }', '2b5487f5df3c3ada77de9a94a9402429c522483680900c1b7f1fbd5eb0ba3cbb', 'AP8B/g==', 1795810765458, 0);
