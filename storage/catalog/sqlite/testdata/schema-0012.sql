CREATE TABLE audit (
	id BIGINT PRIMARY KEY, at BIGINT NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL,
	detail TEXT NOT NULL, was TEXT NOT NULL DEFAULT '', became TEXT NOT NULL DEFAULT '', address TEXT NOT NULL DEFAULT '', via TEXT NOT NULL DEFAULT '', agent TEXT NOT NULL DEFAULT '', hash TEXT NOT NULL DEFAULT '');
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
	site TEXT NOT NULL REFERENCES sites (name), created BIGINT NOT NULL, last_seen BIGINT NOT NULL);
CREATE TABLE enrolments (
	id TEXT PRIMARY KEY, site TEXT NOT NULL REFERENCES sites (name), secret TEXT NOT NULL, uses BIGINT NOT NULL,
	expires BIGINT NOT NULL);
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
CREATE TABLE operators (
	name TEXT PRIMARY KEY, title TEXT NOT NULL, role TEXT NOT NULL, sites TEXT NOT NULL, password TEXT NOT NULL, issuer TEXT NOT NULL,
	created BIGINT NOT NULL, last_login BIGINT NOT NULL);
CREATE TABLE packs (id BIGINT PRIMARY KEY, digest TEXT NOT NULL UNIQUE);
CREATE TABLE patches (serial BIGINT PRIMARY KEY REFERENCES versions (serial), base TEXT NOT NULL, object TEXT NOT NULL, due BIGINT NOT NULL DEFAULT 0);
CREATE TABLE proposals (
	id BIGINT PRIMARY KEY, distribution TEXT NOT NULL, proposer TEXT NOT NULL, person TEXT NOT NULL, created BIGINT NOT NULL,
	state TEXT NOT NULL);
CREATE TABLE receipts (
	site TEXT NOT NULL REFERENCES sites (name), version TEXT NOT NULL, active BIGINT NOT NULL, yielded BIGINT NOT NULL,
	added TEXT NOT NULL, PRIMARY KEY (site, version));
CREATE TABLE rules (
	id BIGINT PRIMARY KEY, kind TEXT NOT NULL, site TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL,
	priority TEXT NOT NULL, generation BIGINT NOT NULL, setter TEXT NOT NULL, created BIGINT NOT NULL, expires BIGINT NOT NULL DEFAULT 0, upto BIGINT NOT NULL DEFAULT 0,
	UNIQUE (kind, site, name, version));
CREATE TABLE sessions (
	hash TEXT PRIMARY KEY, operator TEXT NOT NULL REFERENCES operators (name), created BIGINT NOT NULL, used BIGINT NOT NULL);
CREATE TABLE sites (
	name TEXT PRIMARY KEY, cidrs TEXT NOT NULL, tz TEXT NOT NULL, cap BIGINT NOT NULL, created BIGINT NOT NULL, hold_off BIGINT NOT NULL DEFAULT 0, replicas BIGINT NOT NULL DEFAULT 0, relay TEXT NOT NULL DEFAULT '', relay_secret TEXT NOT NULL DEFAULT '', peers_on TEXT NOT NULL DEFAULT '[]');
CREATE TABLE tokens (hash TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, expires BIGINT NOT NULL, sites TEXT NOT NULL DEFAULT '', maker TEXT NOT NULL DEFAULT '', created BIGINT NOT NULL DEFAULT 0, used BIGINT NOT NULL DEFAULT 0);
CREATE TABLE trust (serial BIGINT PRIMARY KEY, document TEXT NOT NULL, created BIGINT NOT NULL);
CREATE TABLE versions (
	serial BIGINT PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL, id TEXT NOT NULL, head TEXT NOT NULL,
	body TEXT NOT NULL, placement TEXT NOT NULL, created BIGINT NOT NULL, UNIQUE (name, version));
CREATE INDEX distribution_sites_site ON distribution_sites (site);
CREATE INDEX distributions_name ON distributions (name, serial);
CREATE INDEX endpoints_site ON endpoints (site, id);
CREATE INDEX sessions_operator ON sessions (operator);
CREATE TRIGGER audit_complete BEFORE DELETE ON audit BEGIN
	SELECT RAISE(ABORT, 'the audit log is only added to');
END;
CREATE TRIGGER audit_once BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id) BEGIN
	SELECT RAISE(ABORT, 'the audit log is only added to');
END;
CREATE TRIGGER audit_unaltered BEFORE UPDATE ON audit WHEN OLD.hash <> '' BEGIN
	SELECT RAISE(ABORT, 'the audit log is only added to');
END;
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (1, 1795799712861, 'tester', 'create site', 'shop', '', '', '{"name":"shop","cidrs":["10.1.0.0/16"],"tz":"UTC","cap_bytes_per_second":125000,"hold_off_ms":60000,"replicas":2,"peers_on":null,"created":"2026-11-27T17:15:12.856953702Z"}', '', '', '', '5d9d086a6f5fd7addde9a21faad2997a3857009451da6a7811ffe980be1a06a0');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (10, 1795799712914, 'tester', 'distribute', 'app@1', 'sites [shop], all false, normal', '', '{"id":1,"name":"app","version":"1","serial":1,"sites":["shop"],"priority":"normal","created":"2026-11-27T17:15:12.914300256Z"}', '', '', '', '6d1604747f25c2e0049399e395d84716323418c93f55e6bc86c248e745c0e044');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (11, 1795799712918, 'tester', 'reserve version', 'app@2', '', '', '', '', '', '', '8bbe6bbd432788cf312ff7e38ce83f9e3342c05c1fff02546a4f00b8a4ef3683');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (12, 1795799712926, 'tester', 'publish', 'app@2', '2b5487f5df3c3ada77de9a94a9402429', '', '{"body":"2b5487f5df3c3ada77de9a94a9402429c522483680900c1b7f1fbd5eb0ba3cbb","id":"2b5487f5df3c3ada77de9a94a9402429","serial":2}', '', '', '', '5da1b3a3e5223fa2c5679d0fe19c6956a128d488cdface25e8b273fdb3e92b0d');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (13, 1795799712936, 'tester', 'distribute', 'app@2', 'sites [shop], all false, normal', '', '{"id":2,"name":"app","version":"2","serial":2,"sites":["shop"],"priority":"normal","created":"2026-11-27T17:15:12.935684069Z"}', '', '', '', 'ccbba72cc5aabbae9ddc33237ef7276492e8b1cb175b1a2c63cd5377c3ab243e');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (14, 1795799712938, 'tester', 'pause', 'everything at shop', '', '', '{"site":"shop","kind":"pause","generation":4,"by":"tester","created":"2026-11-27T17:15:12.938682894Z"}', '', '', '', 'e7a49093ee5d27324b1a209c00be977b40ca10da4977521790692f3af8fef7c7');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (15, 1795799712944, 'tester', 'priority', 'app@2 everywhere', 'high', '', '{"content":"app","version":"2","kind":"priority","priority":"high","generation":5,"by":"tester","created":"2026-11-27T17:15:12.943584439Z"}', '', '', '', 'e0bafa580f0d5fda7bd077f59475a0b05fce41e752f35cbe2a18b9bcb059d075');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (16, 1795799712948, 'tester', 'create token', 'admin', 'admin', '', '{"name":"admin","role":"admin","expires":"2026-04-01T06:00:00Z"}', '', '', '', '59b9130fab6f73850a151d57e0a199ef76a39bef1ca010c5aac4a4212d6706cb');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (17, 1795799712965, 'tester', 'invite operator', 'anna', 'admin', '', '{"name":"anna","role":"admin","by":"","created":"2026-04-01T06:00:00Z","expires":"2026-11-27T18:15:12.963812344Z"}', '', '', '', '0433e2b5b8bf2d45f267dc22712e5d0f34d82fa84e79869eaccfde578331ec82');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (18, 1795799712974, 'anna', 'accept invitation', 'anna', 'made by tester', '', '{"name":"anna","role":"admin","created":"2026-04-01T06:00:00Z"}', '', '', '', '6863efcaa569fa754fb61d8c8c14ac25adeec27b7973d6685bb9578a873aa1fa');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (19, 1795799712978, 'anna', 'log in', 'anna', '', '', '', '', '', '', '3308300bcbaae32f8b49ec473f4133905c5a00389479dd53cfbddbd9a9ea4e7e');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (2, 1795799712864, 'tester', 'create site', 'other', '', '', '{"name":"other","cidrs":null,"cap_bytes_per_second":-1,"hold_off_ms":0,"replicas":0,"peers_on":null,"created":"2026-11-27T17:15:12.864147847Z"}', '', '', '', 'a26f8a7372e7e642358555bd27c63affebaf847dbb210b67a679d351663ff8c1');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (20, 1795799712980, 'tester', 'invite operator', 'ben', 'operator', '', '{"name":"ben","role":"operator","sites":["shop"],"by":"","created":"2026-04-01T06:00:00Z","expires":"2026-04-02T06:00:00Z"}', '', '', '', 'cc23b9e67447d76f7dc8865b1d10650e69efdbdb183b3c2923835601ca896dce');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (21, 1795799712985, 'anna', 'propose distribution', 'app@1', 'sites [], all true, normal', '', '{"id":0,"name":"app","version":"1","serial":0,"all":true,"priority":"normal","created":"0001-01-01T00:00:00Z"}', '', '', '', '8a9e33d43248a918b25e8cf30ce6500ae367178910df53473fb58c6f511a07a3');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (3, 1795799712866, 'tester', 'create enrolment', 'shop', 'token shop/e1, 1 uses', '', '{"expires":"2026-04-01T07:00:00Z","id":"shop/e1","site":"shop","uses":1}', '', '', '', '7598d1bdd1ee47a7006867b23986e4450f5e223a1f9547a8d1b1c711ad7dd3c4');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (4, 1795799712873, 'endpoint e1', 'enrol', 'e1', 'token shop/e1', '', '{"site":"shop","name":"till e1","device":"linux/amd64"}', '', '', '', '3d88ebc6ba6f89be36511783f428906c871e213c752aab4f85e939a044438a6c');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (5, 1795799712881, 'tester', 'create enrolment', 'other', 'token other/e2, 1 uses', '', '{"expires":"2026-04-01T07:00:00Z","id":"other/e2","site":"other","uses":1}', '', '', '', '0b7a1317ef83a91a57db3d3739f88a0b747279eacd76ff79f79c52cc6a157eb7');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (6, 1795799712886, 'endpoint e2', 'enrol', 'e2', 'token other/e2', '', '{"site":"other","name":"till e2","device":"linux/amd64"}', '', '', '', '129edb863b797ed100c2a93565fefa1de4c928461b553c84079b5407a731520e');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (7, 1795799712895, 'tester', 'change trust', 'serial 1', '', '{"serial":0}', '{"document":{"serial":1},"serial":1}', '', '', '', '9c73c557764982b3b5e03674503c36bf55ee7499deeb408ca4a75cf29b49cd85');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (8, 1795799712901, 'tester', 'reserve version', 'app@1', '', '', '', '', '', '', 'ec1df0bf0348c838845698ba8bd18f70d341e34c489b8a7729c390fa9963d51c');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (9, 1795799712905, 'tester', 'publish', 'app@1', '21c115349ecbe7d7071c0431df3bc24f', '', '{"body":"21c115349ecbe7d7071c0431df3bc24f2b19b0a1a4a22d8d55358b6c642e4395","id":"21c115349ecbe7d7071c0431df3bc24f","serial":1}', '', '', '', 'dbd4fbc7e0c2710a01bbddda5e4fbaba21ad64335a5a5d67ca2cac8459e7bb0c');
INSERT INTO distribution_sites (distribution, site) VALUES (1, 'shop');
INSERT INTO distribution_sites (distribution, site) VALUES (2, 'shop');
INSERT INTO distributions (id, name, version, serial, every, priority, created, ready_by, pre_stage) VALUES (1, 'app', '1', 1, 0, 'normal', 1795799712914, 0, 0);
INSERT INTO distributions (id, name, version, serial, every, priority, created, ready_by, pre_stage) VALUES (2, 'app', '2', 2, 0, 'normal', 1795799712935, 0, 0);
INSERT INTO endpoints (id, key, name, device, site, created, last_seen) VALUES ('e1', '6b6579206f66206531', 'till e1', 'linux/amd64', 'shop', 1775023200000, 1775026800000);
INSERT INTO endpoints (id, key, name, device, site, created, last_seen) VALUES ('e2', '6b6579206f66206532', 'till e2', 'linux/amd64', 'other', 1775023200000, 1775023200000);
INSERT INTO enrolments (id, site, secret, uses, expires) VALUES ('other/e2', 'other', '68617368', 0, 1775026800000);
INSERT INTO enrolments (id, site, secret, uses, expires) VALUES ('shop/e1', 'shop', '68617368', 0, 1775026800000);
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
INSERT INTO invites (hash, name, role, sites, maker, created, expires) VALUES ('696e76697465732062656e', 'ben', 'operator', '["shop"]', 'tester', 1775023200000, 1775109600000);
INSERT INTO lines (site, egress, capacity, base, busy, learned) VALUES ('shop', '203.0.113.7', 1099511627776, '{"192.0.2.7:3478":40100}', '[0,0,0,0,0,0,0,0,0,0.25,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1]', 1775023200000);
INSERT INTO meta (key, value) VALUES ('audit_head', '{"id":21,"hash":"8a9e33d43248a918b25e8cf30ce6500ae367178910df53473fb58c6f511a07a3"}');
INSERT INTO meta (key, value) VALUES ('epoch', '7');
INSERT INTO meta (key, value) VALUES ('generation', '5');
INSERT INTO operators (name, title, role, sites, password, issuer, created, last_login) VALUES ('anna', '', 'admin', '', 'hash of anna', '', 1775023200000, 1775023200000);
INSERT INTO patches (serial, base, object, due) VALUES (2, '21c115349ecbe7d7071c0431df3bc24f', '', 1);
INSERT INTO proposals (id, distribution, proposer, person, created, state) VALUES (1, '{"id":0,"name":"app","version":"1","serial":0,"all":true,"priority":"normal","created":"0001-01-01T00:00:00Z"}', 'anna', 'anna', 1795799712984, 'open');
INSERT INTO receipts (site, version, active, yielded, added) VALUES ('shop', '21c115349ecbe7d7071c0431df3bc24f', 1099511627776, 7, '[3,0,4294967295]');
INSERT INTO rules (id, kind, site, name, version, priority, generation, setter, created, expires, upto) VALUES (1, 'pause', 'shop', '', '', '', 4, 'tester', 1795799712938, 0, 0);
INSERT INTO rules (id, kind, site, name, version, priority, generation, setter, created, expires, upto) VALUES (2, 'priority', '', 'app', '2', 'high', 5, 'tester', 1795799712943, 0, 0);
INSERT INTO sessions (hash, operator, created, used) VALUES ('73', 'anna', 1775023200000, 1775023200000);
INSERT INTO sites (name, cidrs, tz, cap, created, hold_off, replicas, relay, relay_secret, peers_on) VALUES ('other', '[]', '', -1, 1795799712864, 0, 0, '', '', '[]');
INSERT INTO sites (name, cidrs, tz, cap, created, hold_off, replicas, relay, relay_secret, peers_on) VALUES ('shop', '["10.1.0.0/16"]', 'UTC', 125000, 1795799712856, 60000, 2, '', '', '[]');
INSERT INTO tokens (hash, name, role, expires, sites, maker, created, used) VALUES ('61646d696e2773', 'admin', 'admin', 1775023200000, '', '', 0, 0);
INSERT INTO trust (serial, document, created) VALUES (1, '{"serial": 1}', 1795799712895);
INSERT INTO versions (serial, name, version, id, head, body, placement, created) VALUES (1, 'app', '1', '21c115349ecbe7d7071c0431df3bc24f', '{ "z":1,
	"a": "<\u00e9é>", "serial":1, "z":2 }', '21c115349ecbe7d7071c0431df3bc24f2b19b0a1a4a22d8d55358b6c642e4395', 'AP8B/g==', 1795799712904);
INSERT INTO versions (serial, name, version, id, head, body, placement, created) VALUES (2, 'app', '2', '2b5487f5df3c3ada77de9a94a9402429', '{ "z":1,
	"a": "<\u00e9é>", "serial":2, "z":2 }', '2b5487f5df3c3ada77de9a94a9402429c522483680900c1b7f1fbd5eb0ba3cbb', 'AP8B/g==', 1795799712921);
