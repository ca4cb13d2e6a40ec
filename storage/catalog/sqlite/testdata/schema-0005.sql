BEGIN TRANSACTION;
CREATE TABLE audit (
	id BIGINT PRIMARY KEY, at BIGINT NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL,
	detail TEXT NOT NULL);
INSERT INTO "audit" VALUES(1,1764000000000,'tester','create site','shop','');
INSERT INTO "audit" VALUES(2,1764000000001,'tester','create site','other','');
INSERT INTO "audit" VALUES(3,1764000000002,'tester','publish','app@1','');
INSERT INTO "audit" VALUES(4,1764000000003,'tester','distribute','app@1','');
INSERT INTO "audit" VALUES(5,1764000000004,'tester','pause','everything at shop','');
CREATE TABLE chunks (
	digest TEXT PRIMARY KEY, plain BIGINT NOT NULL, pack BIGINT NOT NULL REFERENCES packs (id), start BIGINT NOT NULL,
	length BIGINT NOT NULL, encoding BIGINT NOT NULL) WITHOUT ROWID;
INSERT INTO "chunks" VALUES('6c87f68371b28954707ebb92afee7ccffb74c6f71ec8fea8a98cf6104289585b',65536,1,0,40000,1);
CREATE TABLE distribution_sites (
	distribution BIGINT NOT NULL REFERENCES distributions (id), site TEXT NOT NULL REFERENCES sites (name),
	PRIMARY KEY (distribution, site));
INSERT INTO "distribution_sites" VALUES(1,'shop');
CREATE TABLE distributions (
	id BIGINT PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL, serial BIGINT NOT NULL, every BIGINT NOT NULL,
	priority TEXT NOT NULL, created BIGINT NOT NULL, ready_by BIGINT NOT NULL DEFAULT 0, pre_stage BIGINT NOT NULL DEFAULT 0);
INSERT INTO "distributions" VALUES(1,'app','1',1,0,'normal',1764000000001,0,0);
INSERT INTO "distributions" VALUES(2,'app','2',2,1,'normal',1764000000002,1764086400000,2);
CREATE TABLE endpoints (
	id TEXT PRIMARY KEY, key TEXT NOT NULL, name TEXT NOT NULL, device TEXT NOT NULL,
	site TEXT NOT NULL REFERENCES sites (name), created BIGINT NOT NULL, last_seen BIGINT NOT NULL);
INSERT INTO "endpoints" VALUES('e1','6b6579206f66206531','till e1','linux/amd64','shop',1764000000000,1764003600000);
INSERT INTO "endpoints" VALUES('e2','6b6579206f66206532','till e2','linux/amd64','other',1764000000000,1764003600000);
CREATE TABLE enrolments (
	id TEXT PRIMARY KEY, site TEXT NOT NULL REFERENCES sites (name), secret TEXT NOT NULL, uses BIGINT NOT NULL,
	expires BIGINT NOT NULL);
INSERT INTO "enrolments" VALUES('shop/e1','shop','68617368',0,1764003600000);
INSERT INTO "enrolments" VALUES('other/e2','other','68617368',0,1764003600000);
CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
INSERT INTO "goose_db_version" VALUES(1,0,1,'2026-11-23 10:00:00');
INSERT INTO "goose_db_version" VALUES(2,1,1,'2026-11-23 10:00:00');
INSERT INTO "goose_db_version" VALUES(3,2,1,'2026-11-23 10:00:00');
INSERT INTO "goose_db_version" VALUES(4,3,1,'2026-11-23 10:00:00');
INSERT INTO "goose_db_version" VALUES(5,4,1,'2026-11-23 10:00:00');
INSERT INTO "goose_db_version" VALUES(6,5,1,'2026-11-23 10:00:00');
CREATE TABLE lines (
	site TEXT NOT NULL REFERENCES sites (name), egress TEXT NOT NULL, capacity BIGINT NOT NULL, base TEXT NOT NULL,
	busy TEXT NOT NULL, learned BIGINT NOT NULL, PRIMARY KEY (site, egress));
INSERT INTO "lines" VALUES('shop','203.0.113.7',1099511627776,'{"192.0.2.7:3478":40100}','[0,0,0,0,0,0,0,0,0,0.25,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1]',1764000000000);
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO "meta" VALUES('epoch','7');
INSERT INTO "meta" VALUES('generation','5');
CREATE TABLE packs (id BIGINT PRIMARY KEY, digest TEXT NOT NULL UNIQUE);
INSERT INTO "packs" VALUES(1,'4862f447f2c7f272fa2f4aaf89dadb3b1ac09105bd5864f8d1a0c9452bb0a226');
CREATE TABLE receipts (
	site TEXT NOT NULL REFERENCES sites (name), version TEXT NOT NULL, active BIGINT NOT NULL, yielded BIGINT NOT NULL,
	added TEXT NOT NULL, PRIMARY KEY (site, version));
INSERT INTO "receipts" VALUES('shop','21c115349ecbe7d7071c0431df3bc24f',1099511627776,7,'[3,0,4294967295]');
CREATE TABLE rules (
	id BIGINT PRIMARY KEY, kind TEXT NOT NULL, site TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL,
	priority TEXT NOT NULL, generation BIGINT NOT NULL, setter TEXT NOT NULL, created BIGINT NOT NULL, expires BIGINT NOT NULL DEFAULT 0, upto BIGINT NOT NULL DEFAULT 0,
	UNIQUE (kind, site, name, version));
INSERT INTO "rules" VALUES(1,'pause','shop','','','',3,'tester',1764000000000,0,0);
INSERT INTO "rules" VALUES(2,'priority','','app','2','high',4,'tester',1764000000000,0,0);
INSERT INTO "rules" VALUES(3,'pin','','app','','',5,'tester',1764000000000,1774000000000,0);
CREATE TABLE sites (
	name TEXT PRIMARY KEY, cidrs TEXT NOT NULL, tz TEXT NOT NULL, cap BIGINT NOT NULL, created BIGINT NOT NULL, hold_off BIGINT NOT NULL DEFAULT 0);
INSERT INTO "sites" VALUES('shop','["10.1.0.0/16"]','UTC',125000,1764000000000,60000);
INSERT INTO "sites" VALUES('other','[]','',-1,1764000000001,0);
CREATE TABLE tokens (hash TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, expires BIGINT NOT NULL);
INSERT INTO "tokens" VALUES('61646d696e2773','admin','admin',0);
CREATE TABLE trust (serial BIGINT PRIMARY KEY, document TEXT NOT NULL, created BIGINT NOT NULL);
INSERT INTO "trust" VALUES(1,'{"serial": 1}',1764000000000);
CREATE TABLE versions (
	serial BIGINT PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL, id TEXT NOT NULL, head TEXT NOT NULL,
	body TEXT NOT NULL, placement TEXT NOT NULL, created BIGINT NOT NULL, UNIQUE (name, version));
INSERT INTO "versions" VALUES(1,'app','1','21c115349ecbe7d7071c0431df3bc24f','{ "z":1,
	"a": "<\u00e9é>", "serial":1 }','e92b667eb438d66f429e37c1aab76513c1953666b7cb7997f739bfa786723cfd','AAAAAQAAAAFIYvRH8sfycvovSq+J2ts7GsCRBb1YZPjRoMlFK7CiJgAAAAAAAAAAAACcQAE=',1764000000001);
INSERT INTO "versions" VALUES(2,'app','2','2b5487f5df3c3ada77de9a94a9402429','{ "z":1,
	"a": "<\u00e9é>", "serial":2 }','1997ebe7ee9800e9fe8e16532432e53caf64130b3017bd4dd8bc4698e8b3ed1f','AAAAAQAAAAFIYvRH8sfycvovSq+J2ts7GsCRBb1YZPjRoMlFK7CiJgAAAAAAAAAAAACcQAE=',1764000000002);
INSERT INTO "versions" VALUES(3,'app','3','','','','',1764000000003);
CREATE INDEX endpoints_site ON endpoints (site, id);
CREATE INDEX distribution_sites_site ON distribution_sites (site);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('goose_db_version',6);
COMMIT;
