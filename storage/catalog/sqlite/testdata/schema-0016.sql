CREATE TABLE answers (id TEXT PRIMARY KEY, digest TEXT NOT NULL, sealed TEXT NOT NULL, created BIGINT NOT NULL);
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
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (1, 1795800644981, 'tester', 'create site', 'shop', '', '', '{"name":"shop","cidrs":["10.1.0.0/16"],"tz":"UTC","cap_bytes_per_second":125000,"hold_off_ms":60000,"replicas":2,"peers_on":null,"created":"2026-11-27T17:30:44.981486933Z"}', '', '', '', '8f03054daf11b9023591d761e249301c4927d3af4982efc5754d113e3cf59ac0');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (10, 1795800645002, 'tester', 'publish', 'app@1', '21c115349ecbe7d7071c0431df3bc24f', '', '{"body":"21c115349ecbe7d7071c0431df3bc24f2b19b0a1a4a22d8d55358b6c642e4395","id":"21c115349ecbe7d7071c0431df3bc24f","serial":1}', '', '', '', '962dd69ff9ec5f859cdb6c0f2e933e0138385d7edbe28bacb3ad507eb599c926');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (11, 1795800645003, 'tester', 'distribute', 'app@1', 'sites [shop], all false, normal', '', '{"id":1,"name":"app","version":"1","serial":1,"sites":["shop"],"priority":"normal","created":"2026-11-27T17:30:45.003019175Z"}', '', '', '', '5b558c5334bc69d63fcdb45faf233e265e4d3eb14e467e8d085043a0e369f84d');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (12, 1795800645006, 'tester', 'reserve version', 'app@2', '', '', '', '', '', '', 'a8d2dfbc72461cfe0a89a9332e66951f0e983e0211233de6773f4d44c0a396f3');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (13, 1795800645009, 'tester', 'publish', 'app@2', '2b5487f5df3c3ada77de9a94a9402429', '', '{"body":"2b5487f5df3c3ada77de9a94a9402429c522483680900c1b7f1fbd5eb0ba3cbb","id":"2b5487f5df3c3ada77de9a94a9402429","serial":2}', '', '', '', 'df0f38da828bf0c74a1542ded3265cbfffb3ecaa5c7ba92ff6ef4a9608cfaf6e');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (14, 1795800645010, 'tester', 'distribute', 'app@2', 'sites [shop], all false, normal', '', '{"id":2,"name":"app","version":"2","serial":2,"sites":["shop"],"priority":"normal","created":"2026-11-27T17:30:45.01045299Z"}', '', '', '', '9a5c0b4b0018c6b61548f0dfcb2943d0804af571621de95ca7b8f9f83248d68c');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (15, 1795800645012, 'tester', 'pause', 'everything at shop', '', '', '{"site":"shop","kind":"pause","generation":4,"by":"tester","created":"2026-11-27T17:30:45.011977679Z"}', '', '', '', '4856c0d6745dd1d2434d5a6c16ba55084c36c7f3be2c5472e2a9623dae9dcf64');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (16, 1795800645016, 'tester', 'priority', 'app@2 everywhere', 'high', '', '{"content":"app","version":"2","kind":"priority","priority":"high","generation":5,"by":"tester","created":"2026-11-27T17:30:45.013877804Z"}', '', '', '', '174730842be5cd8ab0622c52ba480713393a66e62dad05b1b9fd6650c8b31c7a');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (17, 1795800645023, 'tester', 'create token', 'admin', 'admin', '', '{"name":"admin","role":"admin","expires":"2026-04-01T06:00:00Z"}', '', '', '', '740eb2cee7f9f7283578f9259d1f31d6298aa332a4637fa5072a9ce97da8afd1');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (18, 1795800645028, 'tester', 'set network', '203.0.113.7/32', 'egress of shop', '', '', '', '', '', '1c7e8578ee90cbd9deda07f42acc3a9956a67cfa0a036e6e52fd42044a10edb4');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (19, 1795800645035, 'tester', 'invite operator', 'anna', 'admin', '', '{"name":"anna","role":"admin","by":"tester","created":"2026-04-01T06:00:00Z","expires":"2026-11-27T18:30:45.035375821Z"}', '', '', '', '556efd9f0fcc5e717e23812e59acf76195f2cec3c413d9d6082e6caa04a4ec95');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (2, 1795800644982, 'tester', 'create site', 'other', '', '', '{"name":"other","cidrs":null,"cap_bytes_per_second":-1,"hold_off_ms":0,"replicas":0,"peers_on":null,"created":"2026-11-27T17:30:44.982740254Z"}', '', '', '', '255268103311e7825eb2d0d35f417c04e4735802ac753cfbccb05a02bfc52eff');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (20, 1795800645037, 'anna', 'accept invitation', 'anna', 'made by tester', '', '{"name":"anna","role":"admin","created":"2026-04-01T06:00:00Z"}', '', '', '', 'b6be4d138d5c3db7fc51c0df362db03912172a1a48aa5779b7442536cf835b87');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (21, 1795800645038, 'anna', 'log in', 'anna', '', '', '', '', '', '', 'a3c1b0dba7b33b1a5df8eadff9750527dd61b40507c5d97489d201e7a02733ce');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (22, 1795800645039, 'tester', 'invite operator', 'ben', 'operator', '', '{"name":"ben","role":"operator","sites":["shop"],"by":"tester","created":"2026-04-01T06:00:00Z","expires":"2026-04-02T06:00:00Z"}', '', '', '', 'eacac378cf84a4e548edb58daaea203d0757d8f7ad1dcfe121cf104d69be2cc4');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (23, 1795800645041, 'anna', 'propose distribution', 'app@1', 'sites [], all true, normal', '', '{"id":0,"name":"app","version":"1","serial":0,"all":true,"priority":"normal","created":"0001-01-01T00:00:00Z"}', '', '', '', '414a80495f63a0ee6ac08c35711c72181509a302abef9dd6cfb56ec83abfbf6d');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (24, 1795800645044, 'tester', 'tag', 'rural', 'new, priority 3, + site shop, + endpoint e1', '', '', '', '', '', 'fdb9bd591523f71ab985eb66d8d40fa0586e2ac9809050bb84fea97ea89db490');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (25, 1795800645045, 'tester', 'settings', 'organisation', 'wan_cap_hours: not set -> mon-fri 08:00-18:00 2mbit; * none', '', '{"wan_cap_hours":"mon-fri 08:00-18:00 2mbit; * none"}', '', '', '', '802c4f82c01749b5241f42ba2747a16fc05065498be75dce2bf0c931d70d4c03');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (26, 1795800645046, 'tester', 'settings', 'tag rural', 'wan_rate: not set -> 6mbit', '', '{"wan_rate":"6mbit"}', '', '', '', '9b47453bc5fb62824f9bb58356e27f7e282544f54ba68b70e99a939e6fb77a66');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (3, 1795800644984, 'tester', 'create enrolment', 'shop', 'token shop/e1, 1 uses', '', '{"expires":"2026-04-01T07:00:00Z","id":"shop/e1","site":"shop","uses":1}', '', '', '', '4c9c92572c5ed100f905743de32b32846249c266b19fd3197a14cb909d41ec64');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (4, 1795800644986, 'endpoint e1', 'enrol', 'e1', 'token shop/e1', '', '{"site":"shop","name":"till e1","device":"linux/amd64"}', '', '', '', '0533827c2a1263f9c5f978391053f936cba76370994113a63ba28889468fce2c');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (5, 1795800644987, 'tester', 'create enrolment', 'other', 'token other/e2, 1 uses', '', '{"expires":"2026-04-01T07:00:00Z","id":"other/e2","site":"other","uses":1}', '', '', '', '8a2f6c4eb7e1a4e1158cc4ecd75abe88b56c019ea7f7ecf3ea8f8e2cd6fb2623');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (6, 1795800644988, 'endpoint e2', 'enrol', 'e2', 'token other/e2', '', '{"site":"other","name":"till e2","device":"linux/amd64"}', '', '', '', '0e853aa56748405911549ebc1b4fba1ce29c68efbc40c4b904f16485cc33c121');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (7, 1795800644997, 'tester', 'revoke endpoint', 'e2', 'stolen', '', '', '', '', '', '947df723ce75e9f62304bdcf8586a31caf6ee64cf62081d08c190d2bc7e311f1');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (8, 1795800644998, 'tester', 'change trust', 'serial 1', '', '{"serial":0}', '{"document":{"serial":1},"serial":1}', '', '', '', '0fd6b4419c1c039e768eef04fc0ef40a364cc340861e07d9646316a201293336');
INSERT INTO audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (9, 1795800644999, 'tester', 'reserve version', 'app@1', '', '', '', '', '', '', '5bce643d7d06d2a94a8379223b9e5011f29dee8e377f0f0aa63585df96a87d9b');
INSERT INTO distribution_sites (distribution, site) VALUES (1, 'shop');
INSERT INTO distribution_sites (distribution, site) VALUES (2, 'shop');
INSERT INTO distributions (id, name, version, serial, every, priority, created, ready_by, pre_stage) VALUES (1, 'app', '1', 1, 0, 'normal', 1795800645003, 0, 0);
INSERT INTO distributions (id, name, version, serial, every, priority, created, ready_by, pre_stage) VALUES (2, 'app', '2', 2, 0, 'normal', 1795800645010, 0, 0);
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
INSERT INTO invites (hash, name, role, sites, maker, created, expires) VALUES ('696e76697465732062656e', 'ben', 'operator', '["shop"]', 'tester', 1775023200000, 1775109600000);
INSERT INTO lines (site, egress, capacity, base, busy, learned) VALUES ('shop', '203.0.113.7', 1099511627776, '{"192.0.2.7:3478":40100}', '[0,0,0,0,0,0,0,0,0,0.25,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1]', 1775023200000);
INSERT INTO meta (key, value) VALUES ('audit_head', '{"id":26,"hash":"9b47453bc5fb62824f9bb58356e27f7e282544f54ba68b70e99a939e6fb77a66"}');
INSERT INTO meta (key, value) VALUES ('epoch', '7');
INSERT INTO meta (key, value) VALUES ('generation', '8');
INSERT INTO networks (cidr, kind, site) VALUES ('203.0.113.7/32', 'egress', 'shop');
INSERT INTO operators (name, title, role, sites, password, issuer, created, last_login) VALUES ('anna', '', 'admin', '', 'hash of anna', '', 1775023200000, 1775023200000);
INSERT INTO patches (serial, base, object, due) VALUES (2, '21c115349ecbe7d7071c0431df3bc24f', '', 1);
INSERT INTO proposals (id, distribution, proposer, person, created, state) VALUES (1, '{"id":0,"name":"app","version":"1","serial":0,"all":true,"priority":"normal","created":"0001-01-01T00:00:00Z"}', 'anna', 'anna', 1795800645041, 'open');
INSERT INTO receipts (site, version, active, yielded, added) VALUES ('shop', '21c115349ecbe7d7071c0431df3bc24f', 1099511627776, 7, '[3,0,4294967295]');
INSERT INTO revoked_endpoints (id, revoked, reason) VALUES ('e2', 1775023200000, 'stolen');
INSERT INTO rules (id, kind, site, name, version, priority, generation, setter, created, expires, upto) VALUES (1, 'pause', 'shop', '', '', '', 4, 'tester', 1795800645011, 0, 0);
INSERT INTO rules (id, kind, site, name, version, priority, generation, setter, created, expires, upto) VALUES (2, 'priority', '', 'app', '2', 'high', 5, 'tester', 1795800645013, 0, 0);
INSERT INTO sessions (hash, operator, created, used) VALUES ('73', 'anna', 1775023200000, 1775023200000);
INSERT INTO settings (level, subject, key, value) VALUES ('organisation', '', 'wan_cap_hours', 'mon-fri 08:00-18:00 2mbit; * none');
INSERT INTO settings (level, subject, key, value) VALUES ('site', 'shop', 'hold_off', '60000ms');
INSERT INTO settings (level, subject, key, value) VALUES ('site', 'shop', 'replicas', '2');
INSERT INTO settings (level, subject, key, value) VALUES ('site', 'shop', 'wan_cap', '1mbit');
INSERT INTO settings (level, subject, key, value) VALUES ('tag', 'rural', 'wan_rate', '6mbit');
INSERT INTO sites (name, cidrs, tz, created, relay, relay_secret) VALUES ('other', '[]', '', 1795800644982, '', '');
INSERT INTO sites (name, cidrs, tz, created, relay, relay_secret) VALUES ('shop', '["10.1.0.0/16"]', 'UTC', 1795800644981, '', '');
INSERT INTO spent (site, month, bytes) VALUES ('shop', '2026-04', 1099511627776);
INSERT INTO tagged (tag, kind, subject) VALUES ('rural', 'endpoint', 'e1');
INSERT INTO tagged (tag, kind, subject) VALUES ('rural', 'site', 'shop');
INSERT INTO tags (name, priority) VALUES ('rural', 3);
INSERT INTO tokens (hash, name, role, expires, sites, maker, created, used) VALUES ('61646d696e2773', 'admin', 'admin', 1775023200000, '', '', 0, 0);
INSERT INTO trust (serial, document, created) VALUES (1, '{"serial": 1}', 1795800644998);
INSERT INTO unused (object, since, doomed) VALUES ('e224ddc6b55af8b2a88404a0b6cb2617db0dfc25b3584a4dd7c4358d911e91f5', 1795800645026, 0);
INSERT INTO versions (serial, name, version, id, head, body, placement, created, removed) VALUES (1, 'app', '1', '21c115349ecbe7d7071c0431df3bc24f', '{ "z":1,
	"a": "<\u00e9é>", "serial":1, "z":2 }', '21c115349ecbe7d7071c0431df3bc24f2b19b0a1a4a22d8d55358b6c642e4395', 'AP8B/g==', 1795800645001, 0);
INSERT INTO versions (serial, name, version, id, head, body, placement, created, removed) VALUES (2, 'app', '2', '2b5487f5df3c3ada77de9a94a9402429', '{ "z":1,
	"a": "<\u00e9é>", "serial":2, "z":2 }', '2b5487f5df3c3ada77de9a94a9402429c522483680900c1b7f1fbd5eb0ba3cbb', 'AP8B/g==', 1795800645008, 0);
