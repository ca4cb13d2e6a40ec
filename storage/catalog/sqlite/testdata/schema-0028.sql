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
	replaces BIGINT NOT NULL, retry BIGINT NOT NULL, state TEXT NOT NULL, rollout TEXT NOT NULL, windows TEXT NOT NULL DEFAULT '');
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
INSERT INTO activations (id, name, version, site, activate, statement, activate_at, instant, upto, setter, created) VALUES (1, 'app', '2', 'shop', 'hold', '', 0, 0, 2, 'tester', 1795825600099);
INSERT INTO aims (distribution, target, not_before, rings, replaces, retry, state, rollout, windows) VALUES (3, '', 1775080800000, '[{"name":"canary","target":"tag:canary","delivered_percent":95,"failed_percent":5,"soak_seconds":60,"at_once":0,"halt_percent":10},{"name":"rest","target":"rest","delivered_percent":95,"failed_percent":5,"soak_seconds":60,"at_once":0,"halt_percent":10}]', 0, 0, 'waiting', '{"state":"waiting","reason":"its first ring opens in a moment","open":0,"changed":"2026-11-28T00:26:40.126478548Z"}', 'mon-fri 22:00-05:00 open; * closed');
INSERT INTO answers (id, digest, sealed, created) VALUES ('answer', 'digest', 'AP8=', 1775023200000);
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (1, 1795825600078, 'tester', 'create site', 'shop', '', '', '{"name":"shop","cidrs":["10.1.0.0/16"],"tz":"UTC","cap_bytes_per_second":125000,"hold_off_ms":60000,"replicas":2,"peers_on":null,"created":"2026-11-28T00:26:40.077418348Z"}', '', '', '', '8b000a3666b546ac4b913644539920032b9f1e9fa1e8ddeb201606769998e77b');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (10, 1795825600091, 'tester', 'publish', 'app@1', '21c115349ecbe7d7071c0431df3bc24f', '', '{"body":"21c115349ecbe7d7071c0431df3bc24f2b19b0a1a4a22d8d55358b6c642e4395","id":"21c115349ecbe7d7071c0431df3bc24f","serial":1}', '', '', '', 'a1dcca55fd78b814a15189e01e3d8c66304f83320b6ef61eb93d32d38280cfef');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (11, 1795825600093, 'tester', 'distribute', 'app@1', 'sites [shop], all false, normal', '', '{"id":1,"name":"app","version":"1","serial":1,"sites":["shop"],"priority":"normal","created":"2026-11-28T00:26:40.092344978Z"}', '', '', '', 'cc5d80ed04dc21a08211d9139a70b8d79578a48154b605c0a71337135505d4a4');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (12, 1795825600094, 'tester', 'reserve version', 'app@2', '', '', '', '', '', '', 'de951952cc95a39b2186e214e3f997d380cbb54fcf8d9814bb1357f3335a3d44');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (13, 1795825600096, 'tester', 'publish', 'app@2', '2b5487f5df3c3ada77de9a94a9402429', '', '{"body":"2b5487f5df3c3ada77de9a94a9402429c522483680900c1b7f1fbd5eb0ba3cbb","id":"2b5487f5df3c3ada77de9a94a9402429","serial":2}', '', '', '', '2f2889f01a00d84a63f0a99aa7ad14a42012f2f989d786e83c1a2161a45ee6ef');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (14, 1795825600098, 'tester', 'distribute', 'app@2', 'sites [shop], all false, normal', '', '{"id":2,"name":"app","version":"2","serial":2,"sites":["shop"],"priority":"normal","created":"2026-11-28T00:26:40.097625724Z"}', '', '', '', '9170f7d800033f0335f30361246a066a569ca36786590c5d9ad8b5d5ecc89f14');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (15, 1795825600099, 'tester', 'activate', 'app@2', 'shop, held until it is activated', '', '{"activate":"hold"}', '', '', '', 'ea7fed466ef89c9804c6f5842867253478c799b05eb4aa9272fd720e1576fb1a');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (16, 1795825600101, 'tester', 'pause', 'everything at shop', '', '', '{"site":"shop","kind":"pause","generation":5,"by":"tester","created":"2026-11-28T00:26:40.100788618Z"}', '', '', '', '858fa125e0fa6bb302bd6edf599532d35033128b2d783c4282cd099b8a20285a');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (17, 1795825600102, 'tester', 'priority', 'app@2 everywhere', 'high', '', '{"content":"app","version":"2","kind":"priority","priority":"high","generation":6,"by":"tester","created":"2026-11-28T00:26:40.102474029Z"}', '', '', '', 'd40c7b2c0558c32a9ac3373f86a9af56e3b8aca5f014835636917424d89e3ac8');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (18, 1795825600104, 'tester', 'create token', 'admin', 'admin', '', '{"name":"admin","role":"admin","expires":"2026-04-01T06:00:00Z"}', '', '', '', 'e1159541c67c39396f1c82b05264909eb6d66dd7195ec664012148827dc1e8bf');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (19, 1795825600107, 'tester', 'set network', '203.0.113.7/32', 'egress of shop', '', '', '', '', '', 'deb17b8d5bcba393f516090b65da0ff98a82cbc0cf4d7f50e57de41d17ee7028');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (2, 1795825600079, 'tester', 'create site', 'other', '', '', '{"name":"other","cidrs":null,"cap_bytes_per_second":-1,"hold_off_ms":0,"replicas":0,"peers_on":null,"created":"2026-11-28T00:26:40.07931181Z"}', '', '', '', '638194ce91766b5aa0da6b8d22ef290c19565c7518aa91a6d7de11973cd1dad6');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (20, 1795825600110, 'tester', 'invite operator', 'anna', 'admin', '', '{"name":"anna","role":"admin","by":"tester","created":"2026-04-01T06:00:00Z","expires":"2026-11-28T01:26:40.109812405Z"}', '', '', '', '860b827599a702171b1c52777cacca52eaa651e9749efd062a62214b39302fa8');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (21, 1795825600111, 'anna', 'accept invitation', 'anna', 'made by tester', '', '{"name":"anna","role":"admin","created":"2026-04-01T06:00:00Z"}', '', '', '', '19bcba9b8ff287970dd5143ae3e8c3c090870d60ab76bdab1f8b86fa8594b1a8');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (22, 1795825600113, 'anna', 'log in', 'anna', '', '', '', '', '', '', '5cd7823c632097469ac3121a4cdc60a109f775e048a25609616876c6795dfa53');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (23, 1795825600114, 'tester', 'invite operator', 'ben', 'operator', '', '{"name":"ben","role":"operator","sites":["shop"],"by":"tester","created":"2026-04-01T06:00:00Z","expires":"2026-04-02T06:00:00Z"}', '', '', '', '6706d74af72e449e2fb3fde01d234243d7896234c240035e7f790bf178aec932');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (24, 1795825600115, 'anna', 'propose distribution', 'app@1', 'sites [], all true, normal', '', '{"id":0,"name":"app","version":"1","serial":0,"all":true,"priority":"normal","created":"0001-01-01T00:00:00Z"}', '', '', '', 'c812a80f3f85befa006cb17c84761e656b0f3b8686372d7d7e361bd92f7f43fb');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (25, 1795825600116, 'tester', 'tag', 'rural', 'new, priority 3, + site shop, + endpoint e1', '', '{"name":"rural","priority":3,"sites":["shop"],"endpoints":["e1"]}', '', '', '', '1263fa316f17701ec9d2d4e02140abffd2fe1b2180146f97f3ebd3c8250b4ae7');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (26, 1795825600118, 'tester', 'settings', 'organisation', 'wan_cap_hours: not set -> mon-fri 08:00-18:00 2mbit; * none', '', '{"wan_cap_hours":"mon-fri 08:00-18:00 2mbit; * none"}', '', '', '', '50c42ea964ea0741d9431ef333c6c0410830cdedb980db54b1370c4fb24150a4');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (27, 1795825600119, 'tester', 'settings', 'tag rural', 'wan_rate: not set -> 6mbit', '', '{"wan_rate":"6mbit"}', '', '', '', '3ca84cf1f8b136d5a04aed7f04d6a1f9b64ce6c77b0396415c1bd14ba208c534');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (28, 1795825600121, 'tester', 'note vendor''s file', 'https://vendor.example/filled', '38227814ba3b26895eb50a93018daf939dd1e8047906ac68ddcafcee0a3d9ffc', '', '', '', '', '', '145f0b7294087f7784d39f0777b512d5e7e1482d32bd05e7ea46df8cd810ab9c');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (29, 1795825600125, 'tester', 'tag', 'canary', 'new, priority 0, + site shop', '', '{"name":"canary","priority":0,"sites":["shop"],"endpoints":[]}', '', '', '', '4f87175e6fa8d85c0ea9a1772c22a44650b8a13833f04dd3847d1a1365517c9f');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (3, 1795825600080, 'tester', 'create enrolment', 'shop', 'token shop/e1, 1 uses', '', '{"expires":"2026-04-01T07:00:00Z","id":"shop/e1","site":"shop","uses":1}', '', '', '', '4fc88da87815194df0ae3ede376b66f3141bb0940bb76a2b2a7b7292454a116a');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (30, 1795825600127, 'tester', 'distribute', 'app@2', 'sites [], all true, normal, not before 2026-04-01T22:00:00Z, fetched in mon-fri 22:00-05:00 open; * closed, ring 1 canary: tag:canary, ring 2 rest: rest', '', '{"id":3,"name":"app","version":"2","serial":2,"all":true,"priority":"normal","created":"2026-11-28T00:26:40.126478548Z","not_before":"2026-04-01T22:00:00Z","window":"mon-fri 22:00-05:00 open; * closed","rings":[{"name":"canary","target":"tag:canary","delivered_percent":95,"failed_percent":5,"soak_seconds":60,"at_once":0,"halt_percent":10},{"name":"rest","target":"rest","delivered_percent":95,"failed_percent":5,"soak_seconds":60,"at_once":0,"halt_percent":10}],"rollout":{"state":"waiting","reason":"its first ring opens in a moment","open":0,"changed":"2026-11-28T00:26:40.126478548Z"}}', '', '', '', 'f80412fb524c4bb9113596a73534c576383971450146452397c494efd73aed98');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (4, 1795825600082, 'endpoint e1', 'enrol', 'e1', 'token shop/e1', '', '{"site":"shop","name":"till e1","device":"linux/amd64"}', '', '', '', 'cbc0b95d2b50474435ae565ed06fb1550a70dc85d4457d077d31b002b76b355e');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (5, 1795825600083, 'tester', 'create enrolment', 'other', 'token other/e2, 1 uses', '', '{"expires":"2026-04-01T07:00:00Z","id":"other/e2","site":"other","uses":1}', '', '', '', '87d5cf1b280465782307133c3c39f9ad9bfa6bd83df16d5e8b6e3435806e2819');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (6, 1795825600084, 'endpoint e2', 'enrol', 'e2', 'token other/e2', '', '{"site":"other","name":"till e2","device":"linux/amd64"}', '', '', '', '79bef58238c0601e3b5f2794325ce81848f9ddeefe778a4240a850229c12c43c');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (7, 1795825600086, 'tester', 'revoke endpoint', 'e2', 'stolen', '', '', '', '', '', 'e2a3de3f1fc9d537f4db618948c98ce35f66b149b76123aae73138c4f8ff03f3');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (8, 1795825600087, 'tester', 'change trust', 'serial 1', '', '{"serial":0}', '{"document":{"serial":1},"serial":1}', '', '', '', 'dda243ca5c2fd923e8584a9beebf1ef6cec75107698687bf852c2dd5f9f87cd9');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (9, 1795825600089, 'tester', 'reserve version', 'app@1', '', '', '', '', '', '', 'fcd0e3424bd8d8583e76b20e10337ec86c01f1675ae906f49c9e57bd4392ea9f');
INSERT INTO contracts (version) VALUES (21);
INSERT INTO counted (endpoint, version, origin, peer, relay, reused, wan, complete, heard) VALUES ('e1', '21c115349ecbe7d7071c0431df3bc24f', 50, 40, 3, 7, 50, 1, 1775044800000);
INSERT INTO daily (day, site, content, endpoints, origin, peer, relay, reused, wan, alone, needed, once) VALUES ('2026-04-01', 'shop', 'app', 1, 50, 40, 3, 7, 56, 93, 93, 93);
INSERT INTO delivered (version, site) VALUES ('21c115349ecbe7d7071c0431df3bc24f', 'shop');
INSERT INTO distribution_sites (distribution, site) VALUES (1, 'shop');
INSERT INTO distribution_sites (distribution, site) VALUES (2, 'shop');
INSERT INTO distributions (id, name, version, serial, every, priority, created, ready_by, pre_stage, activate, statement, activate_at, instant) VALUES (1, 'app', '1', 1, 0, 'normal', 1795825600092, 0, 0, '', '', 0, 0);
INSERT INTO distributions (id, name, version, serial, every, priority, created, ready_by, pre_stage, activate, statement, activate_at, instant) VALUES (2, 'app', '2', 2, 0, 'normal', 1795825600097, 0, 0, '', '', 0, 0);
INSERT INTO distributions (id, name, version, serial, every, priority, created, ready_by, pre_stage, activate, statement, activate_at, instant) VALUES (3, 'app', '2', 2, 1, 'normal', 1795825600126, 0, 0, '', '', 0, 0);
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
INSERT INTO goose_db_version (version_id, is_applied) VALUES (28, 1);
INSERT INTO invites (hash, name, role, sites, maker, created, expires) VALUES ('696e76697465732062656e', 'ben', 'operator', '["shop"]', 'tester', 1775023200000, 1775109600000);
INSERT INTO lines (site, egress, capacity, base, busy, learned) VALUES ('shop', '203.0.113.7', 1099511627776, '{"192.0.2.7:3478":40100}', '[0,0,0,0,0,0,0,0,0,0.25,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1]', 1775023200000);
INSERT INTO meta (key, value) VALUES ('audit_head', '{"id":30,"hash":"f80412fb524c4bb9113596a73534c576383971450146452397c494efd73aed98"}');
INSERT INTO meta (key, value) VALUES ('epoch', '7');
INSERT INTO meta (key, value) VALUES ('generation', '11');
INSERT INTO networks (cidr, kind, site) VALUES ('203.0.113.7/32', 'egress', 'shop');
INSERT INTO operators (name, title, role, sites, password, issuer, created, last_login) VALUES ('anna', '', 'admin', '', 'hash of anna', '', 1775023200000, 1775023200000);
INSERT INTO patches (serial, base, object, due) VALUES (2, '21c115349ecbe7d7071c0431df3bc24f', '', 1);
INSERT INTO proposals (id, distribution, proposer, person, created, state) VALUES (1, '{"id":0,"name":"app","version":"1","serial":0,"all":true,"priority":"normal","created":"0001-01-01T00:00:00Z"}', 'anna', 'anna', 1795825600115, 'open');
INSERT INTO receipts (site, version, active, yielded, added) VALUES ('shop', '21c115349ecbe7d7071c0431df3bc24f', 1099511627776, 7, '[3,0,4294967295]');
INSERT INTO revoked_endpoints (id, revoked, reason) VALUES ('e2', 1775023200000, 'stolen');
INSERT INTO rules (id, kind, site, name, version, priority, generation, setter, created, expires, upto, reason, rate) VALUES (1, 'pause', 'shop', '', '', '', 5, 'tester', 1795825600100, 0, 0, '', 0);
INSERT INTO rules (id, kind, site, name, version, priority, generation, setter, created, expires, upto, reason, rate) VALUES (2, 'priority', '', 'app', '2', 'high', 6, 'tester', 1795825600102, 0, 0, '', 0);
INSERT INTO sessions (hash, operator, created, used) VALUES ('73', 'anna', 1775023200000, 1775023200000);
INSERT INTO settings (level, subject, key, value) VALUES ('organisation', '', 'wan_cap_hours', 'mon-fri 08:00-18:00 2mbit; * none');
INSERT INTO settings (level, subject, key, value) VALUES ('site', 'shop', 'hold_off', '60000ms');
INSERT INTO settings (level, subject, key, value) VALUES ('site', 'shop', 'replicas', '2');
INSERT INTO settings (level, subject, key, value) VALUES ('site', 'shop', 'wan_cap', '1mbit');
INSERT INTO settings (level, subject, key, value) VALUES ('tag', 'rural', 'wan_rate', '6mbit');
INSERT INTO sites (name, cidrs, tz, created, relay, relay_secret) VALUES ('other', '[]', '', 1795825600079, '', '');
INSERT INTO sites (name, cidrs, tz, created, relay, relay_secret) VALUES ('shop', '["10.1.0.0/16"]', 'UTC', 1795825600077, '', '');
INSERT INTO spent (site, month, bytes) VALUES ('shop', '2026-04', 1099511627776);
INSERT INTO tagged (tag, kind, subject) VALUES ('canary', 'site', 'shop');
INSERT INTO tagged (tag, kind, subject) VALUES ('rural', 'endpoint', 'e1');
INSERT INTO tagged (tag, kind, subject) VALUES ('rural', 'site', 'shop');
INSERT INTO tags (name, priority) VALUES ('canary', 0);
INSERT INTO tags (name, priority) VALUES ('rural', 3);
INSERT INTO tokens (hash, name, role, expires, sites, maker, created, used) VALUES ('61646d696e2773', 'admin', 'admin', 1775023200000, '', '', 0, 0);
INSERT INTO trust (serial, document, created) VALUES (1, '{"serial": 1}', 1795825600087);
INSERT INTO unused (object, since, doomed) VALUES ('38227814ba3b26895eb50a93018daf939dd1e8047906ac68ddcafcee0a3d9ffc', 1795825600121, 0);
INSERT INTO unused (object, since, doomed) VALUES ('e224ddc6b55af8b2a88404a0b6cb2617db0dfc25b3584a4dd7c4358d911e91f5', 1795825600105, 0);
INSERT INTO versions (serial, name, version, id, head, body, placement, created, removed) VALUES (1, 'app', '1', '21c115349ecbe7d7071c0431df3bc24f', '{ "z":1,
	"a": "<\u00e9é>", "serial":1, "z":2 }', '21c115349ecbe7d7071c0431df3bc24f2b19b0a1a4a22d8d55358b6c642e4395', 'AP8B/g==', 1795825600089, 0);
INSERT INTO versions (serial, name, version, id, head, body, placement, created, removed) VALUES (2, 'app', '2', '2b5487f5df3c3ada77de9a94a9402429', '{ "z":1,
	"a": "<\u00e9é>", "serial":2, "z":2 }', '2b5487f5df3c3ada77de9a94a9402429c522483680900c1b7f1fbd5eb0ba3cbb', 'AP8B/g==', 1795825600095, 0);
