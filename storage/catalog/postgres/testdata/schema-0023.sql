SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE SCHEMA dumped;
CREATE FUNCTION dumped.refuse_audit_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
	RAISE EXCEPTION 'the audit log is only added to';
END;
$$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE dumped.activations (
    id bigint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    version text NOT NULL COLLATE pg_catalog."C",
    site text NOT NULL COLLATE pg_catalog."C",
    activate text NOT NULL COLLATE pg_catalog."C",
    statement text NOT NULL COLLATE pg_catalog."C",
    activate_at bigint NOT NULL,
    instant bigint NOT NULL,
    upto bigint NOT NULL,
    setter text NOT NULL COLLATE pg_catalog."C",
    created bigint NOT NULL
);
CREATE TABLE dumped.aims (
    distribution bigint NOT NULL,
    target text NOT NULL COLLATE pg_catalog."C",
    not_before bigint NOT NULL,
    rings text NOT NULL COLLATE pg_catalog."C",
    replaces bigint NOT NULL,
    retry bigint NOT NULL,
    state text NOT NULL COLLATE pg_catalog."C",
    rollout text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE dumped.answers (
    id text NOT NULL COLLATE pg_catalog."C",
    digest text NOT NULL COLLATE pg_catalog."C",
    sealed text NOT NULL COLLATE pg_catalog."C",
    created bigint NOT NULL
);
CREATE TABLE dumped.audit (
    id bigint NOT NULL,
    at bigint NOT NULL,
    who text NOT NULL COLLATE pg_catalog."C",
    action text NOT NULL COLLATE pg_catalog."C",
    target text NOT NULL COLLATE pg_catalog."C",
    detail text NOT NULL COLLATE pg_catalog."C",
    was text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    became text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    address text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    via text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    agent text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    hash text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE dumped.chunks (
    digest text NOT NULL COLLATE pg_catalog."C",
    plain bigint NOT NULL,
    pack bigint NOT NULL,
    start bigint NOT NULL,
    length bigint NOT NULL,
    encoding bigint NOT NULL
);
CREATE TABLE dumped.contracts (
    version bigint NOT NULL
);
CREATE TABLE dumped.counted (
    endpoint text NOT NULL COLLATE pg_catalog."C",
    version text NOT NULL COLLATE pg_catalog."C",
    origin bigint NOT NULL,
    peer bigint NOT NULL,
    relay bigint NOT NULL,
    reused bigint NOT NULL,
    wan bigint NOT NULL,
    complete bigint NOT NULL,
    heard bigint NOT NULL
);
CREATE TABLE dumped.daily (
    day text NOT NULL COLLATE pg_catalog."C",
    site text NOT NULL COLLATE pg_catalog."C",
    content text NOT NULL COLLATE pg_catalog."C",
    endpoints bigint NOT NULL,
    origin bigint NOT NULL,
    peer bigint NOT NULL,
    relay bigint NOT NULL,
    reused bigint NOT NULL,
    wan bigint NOT NULL,
    alone bigint NOT NULL,
    needed bigint NOT NULL,
    once bigint NOT NULL
);
CREATE TABLE dumped.delivered (
    version text NOT NULL COLLATE pg_catalog."C",
    site text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE dumped.distribution_sites (
    distribution bigint NOT NULL,
    site text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE dumped.distributions (
    id bigint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    version text NOT NULL COLLATE pg_catalog."C",
    serial bigint NOT NULL,
    every bigint NOT NULL,
    priority text NOT NULL COLLATE pg_catalog."C",
    created bigint NOT NULL,
    ready_by bigint DEFAULT 0 NOT NULL,
    pre_stage bigint DEFAULT 0 NOT NULL,
    activate text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    statement text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    activate_at bigint DEFAULT 0 NOT NULL,
    instant bigint DEFAULT 0 NOT NULL
);
CREATE TABLE dumped.endpoints (
    id text NOT NULL COLLATE pg_catalog."C",
    key text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    device text NOT NULL COLLATE pg_catalog."C",
    site text NOT NULL COLLATE pg_catalog."C",
    created bigint NOT NULL,
    last_seen bigint NOT NULL,
    roaming bigint DEFAULT 0 NOT NULL
);
CREATE TABLE dumped.enrolments (
    id text NOT NULL COLLATE pg_catalog."C",
    site text NOT NULL COLLATE pg_catalog."C",
    secret text NOT NULL COLLATE pg_catalog."C",
    uses bigint NOT NULL,
    expires bigint NOT NULL,
    roaming bigint DEFAULT 0 NOT NULL
);
CREATE TABLE dumped.externals (
    object text NOT NULL COLLATE pg_catalog."C",
    url text NOT NULL COLLATE pg_catalog."C",
    etag text NOT NULL COLLATE pg_catalog."C",
    modified text NOT NULL COLLATE pg_catalog."C",
    bytes bigint NOT NULL,
    body text NOT NULL COLLATE pg_catalog."C",
    changed text NOT NULL COLLATE pg_catalog."C",
    checked bigint NOT NULL
);
CREATE TABLE dumped.goose_db_version (
    id integer NOT NULL,
    version_id bigint NOT NULL,
    is_applied boolean NOT NULL,
    tstamp timestamp without time zone DEFAULT now() NOT NULL
);
ALTER TABLE dumped.goose_db_version ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME dumped.goose_db_version_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE dumped.invites (
    hash text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    role text NOT NULL COLLATE pg_catalog."C",
    sites text NOT NULL COLLATE pg_catalog."C",
    maker text NOT NULL COLLATE pg_catalog."C",
    created bigint NOT NULL,
    expires bigint NOT NULL
);
CREATE TABLE dumped.lines (
    site text NOT NULL COLLATE pg_catalog."C",
    egress text NOT NULL COLLATE pg_catalog."C",
    capacity bigint NOT NULL,
    base text NOT NULL COLLATE pg_catalog."C",
    busy text NOT NULL COLLATE pg_catalog."C",
    learned bigint NOT NULL
);
CREATE TABLE dumped.meta (
    key text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE dumped.networks (
    cidr text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    site text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE dumped.operators (
    name text NOT NULL COLLATE pg_catalog."C",
    title text NOT NULL COLLATE pg_catalog."C",
    role text NOT NULL COLLATE pg_catalog."C",
    sites text NOT NULL COLLATE pg_catalog."C",
    password text NOT NULL COLLATE pg_catalog."C",
    issuer text NOT NULL COLLATE pg_catalog."C",
    created bigint NOT NULL,
    last_login bigint NOT NULL
);
CREATE TABLE dumped.packs (
    id bigint NOT NULL,
    digest text NOT NULL COLLATE pg_catalog."C",
    bytes bigint DEFAULT 0 NOT NULL
);
CREATE TABLE dumped.patches (
    serial bigint NOT NULL,
    base text NOT NULL COLLATE pg_catalog."C",
    object text NOT NULL COLLATE pg_catalog."C",
    due bigint DEFAULT 0 NOT NULL
);
CREATE TABLE dumped.proposals (
    id bigint NOT NULL,
    distribution text NOT NULL COLLATE pg_catalog."C",
    proposer text NOT NULL COLLATE pg_catalog."C",
    person text NOT NULL COLLATE pg_catalog."C",
    created bigint NOT NULL,
    state text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE dumped.receipts (
    site text NOT NULL COLLATE pg_catalog."C",
    version text NOT NULL COLLATE pg_catalog."C",
    active bigint NOT NULL,
    yielded bigint NOT NULL,
    added text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE dumped.revoked_endpoints (
    id text NOT NULL COLLATE pg_catalog."C",
    revoked bigint NOT NULL,
    reason text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE dumped.rules (
    id bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    site text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    version text NOT NULL COLLATE pg_catalog."C",
    priority text NOT NULL COLLATE pg_catalog."C",
    generation bigint NOT NULL,
    setter text NOT NULL COLLATE pg_catalog."C",
    created bigint NOT NULL,
    expires bigint DEFAULT 0 NOT NULL,
    upto bigint DEFAULT 0 NOT NULL,
    reason text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    rate bigint DEFAULT 0 NOT NULL
);
CREATE TABLE dumped.sessions (
    hash text NOT NULL COLLATE pg_catalog."C",
    operator text NOT NULL COLLATE pg_catalog."C",
    created bigint NOT NULL,
    used bigint NOT NULL
);
CREATE TABLE dumped.settings (
    level text NOT NULL COLLATE pg_catalog."C",
    subject text NOT NULL COLLATE pg_catalog."C",
    key text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE dumped.sites (
    name text NOT NULL COLLATE pg_catalog."C",
    cidrs text NOT NULL COLLATE pg_catalog."C",
    tz text NOT NULL COLLATE pg_catalog."C",
    created bigint NOT NULL,
    relay text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    relay_secret text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE dumped.spent (
    site text NOT NULL COLLATE pg_catalog."C",
    month text NOT NULL COLLATE pg_catalog."C",
    bytes bigint NOT NULL
);
CREATE TABLE dumped.tagged (
    tag text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    subject text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE dumped.tags (
    name text NOT NULL COLLATE pg_catalog."C",
    priority bigint NOT NULL
);
CREATE TABLE dumped.tokens (
    hash text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    role text NOT NULL COLLATE pg_catalog."C",
    expires bigint NOT NULL,
    sites text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    maker text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    created bigint DEFAULT 0 NOT NULL,
    used bigint DEFAULT 0 NOT NULL
);
CREATE TABLE dumped.trust (
    serial bigint NOT NULL,
    document text NOT NULL COLLATE pg_catalog."C",
    created bigint NOT NULL
);
CREATE TABLE dumped.unused (
    object text NOT NULL COLLATE pg_catalog."C",
    since bigint NOT NULL,
    doomed bigint DEFAULT 0 NOT NULL
);
CREATE TABLE dumped.versions (
    serial bigint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    version text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    head text NOT NULL COLLATE pg_catalog."C",
    body text NOT NULL COLLATE pg_catalog."C",
    placement text NOT NULL COLLATE pg_catalog."C",
    created bigint NOT NULL,
    removed bigint DEFAULT 0 NOT NULL
);
INSERT INTO dumped.activations (id, name, version, site, activate, statement, activate_at, instant, upto, setter, created) VALUES (1, 'app', '2', 'shop', 'hold', '', 0, 0, 2, 'tester', 1795812191348);
INSERT INTO dumped.aims (distribution, target, not_before, rings, replaces, retry, state, rollout) VALUES (3, '', 1775080800000, '[{"name":"canary","target":"tag:canary","delivered_percent":95,"failed_percent":5,"soak_seconds":60,"at_once":0,"halt_percent":10},{"name":"rest","target":"rest","delivered_percent":95,"failed_percent":5,"soak_seconds":60,"at_once":0,"halt_percent":10}]', 0, 0, 'waiting', '{"state":"waiting","reason":"its first ring opens in a moment","open":0,"changed":"2026-11-27T20:43:11.415730213Z"}');
INSERT INTO dumped.answers (id, digest, sealed, created) VALUES ('answer', 'digest', 'AP8=', 1775023200000);
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (1, 1795812191275, 'tester', 'create site', 'shop', '', '', '{"name":"shop","cidrs":["10.1.0.0/16"],"tz":"UTC","cap_bytes_per_second":125000,"hold_off_ms":60000,"replicas":2,"peers_on":null,"created":"2026-11-27T20:43:11.267500646Z"}', '', '', '', 'b22e48f161ab972379399e5179e71b2ea72b2f797c7efdd698e02e1b32218384');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (2, 1795812191289, 'tester', 'create site', 'other', '', '', '{"name":"other","cidrs":null,"cap_bytes_per_second":-1,"hold_off_ms":0,"replicas":0,"peers_on":null,"created":"2026-11-27T20:43:11.28159816Z"}', '', '', '', '81009445400efdf221c2cf29c862a9e89c7e2adcaff6cb98efdc5eaef6844a69');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (3, 1795812191298, 'tester', 'create enrolment', 'shop', 'token shop/e1, 1 uses', '', '{"expires":"2026-04-01T07:00:00Z","id":"shop/e1","site":"shop","uses":1}', '', '', '', '559ccf1f21e9607603f0ccdb99136b94990f205c9f8f5590a915a6c43ac7a7c8');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (4, 1795812191304, 'endpoint e1', 'enrol', 'e1', 'token shop/e1', '', '{"site":"shop","name":"till e1","device":"linux/amd64"}', '', '', '', 'cddcd2c19e332867f1745a4d65b2908550df0d5dea2ea91064490aeb949f5451');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (5, 1795812191308, 'tester', 'create enrolment', 'other', 'token other/e2, 1 uses', '', '{"expires":"2026-04-01T07:00:00Z","id":"other/e2","site":"other","uses":1}', '', '', '', '59f61848a1582165e561475a377c3e214ae27690ed3b51e2357092c46e15b538');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (6, 1795812191310, 'endpoint e2', 'enrol', 'e2', 'token other/e2', '', '{"site":"other","name":"till e2","device":"linux/amd64"}', '', '', '', '9c0905291f278430248721c18939dddb3ab12f3d2ef4a79df7bc4bcc15e937ee');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (7, 1795812191312, 'tester', 'revoke endpoint', 'e2', 'stolen', '', '', '', '', '', 'a1c9060910dc7c480fd7147c55ad63ac9aaaf0160d5a21d933d97b2b9705a0b7');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (8, 1795812191314, 'tester', 'change trust', 'serial 1', '', '{"serial":0}', '{"document":{"serial":1},"serial":1}', '', '', '', '0223d4888eaa30eac8eaffba72bfb7e9609b110b7ca1d4aba786ee1ac668fbed');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (9, 1795812191317, 'tester', 'reserve version', 'app@1', '', '', '', '', '', '', '2d7d451f4522ed1d582c3d615819ac76d5c2642f25bd81fad07dec87c693fba7');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (10, 1795812191327, 'tester', 'publish', 'app@1', '21c115349ecbe7d7071c0431df3bc24f', '', '{"body":"21c115349ecbe7d7071c0431df3bc24f2b19b0a1a4a22d8d55358b6c642e4395","id":"21c115349ecbe7d7071c0431df3bc24f","serial":1}', '', '', '', 'fdc43238a16fcc1e7db3754a586b33b930a3810b916e8a0b26abaf19690e17bc');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (11, 1795812191330, 'tester', 'distribute', 'app@1', 'sites [shop], all false, normal', '', '{"id":1,"name":"app","version":"1","serial":1,"sites":["shop"],"priority":"normal","created":"2026-11-27T20:43:11.328025401Z"}', '', '', '', 'cfe5c7e227429a0ff27fb320999959873046107620b9a21cbd696e59db876ee7');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (12, 1795812191331, 'tester', 'reserve version', 'app@2', '', '', '', '', '', '', '9a8ee8eee1e99a2992be04aa61602923757e66267f68f5a75ba0a5b78c7b188e');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (13, 1795812191335, 'tester', 'publish', 'app@2', '2b5487f5df3c3ada77de9a94a9402429', '', '{"body":"2b5487f5df3c3ada77de9a94a9402429c522483680900c1b7f1fbd5eb0ba3cbb","id":"2b5487f5df3c3ada77de9a94a9402429","serial":2}', '', '', '', 'd2e386e7edd982898ea847aff9ddb4888c325149ee7bf42d3b3a57ef618c16f3');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (14, 1795812191346, 'tester', 'distribute', 'app@2', 'sites [shop], all false, normal', '', '{"id":2,"name":"app","version":"2","serial":2,"sites":["shop"],"priority":"normal","created":"2026-11-27T20:43:11.345124878Z"}', '', '', '', '9792cd395b966e491e9d305f2eec0d77010d6505cb27a50ad94b0cccdd32d4f9');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (15, 1795812191350, 'tester', 'activate', 'app@2', 'shop, held until it is activated', '', '{"activate":"hold"}', '', '', '', '0bf1ed3751dd48395cce7c1548b774f29a6b05c9200f4849a91d1cc9af51ac50');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (16, 1795812191355, 'tester', 'pause', 'everything at shop', '', '', '{"site":"shop","kind":"pause","generation":5,"by":"tester","created":"2026-11-27T20:43:11.352113838Z"}', '', '', '', '8539c86cb789af8f2f263efc3cf402331a7acbddb2a46b76d651849a96cd36ef');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (17, 1795812191358, 'tester', 'priority', 'app@2 everywhere', 'high', '', '{"content":"app","version":"2","kind":"priority","priority":"high","generation":6,"by":"tester","created":"2026-11-27T20:43:11.357489933Z"}', '', '', '', 'bcab0fd5accb4181bae8bddb2c0ec652760f3d8ac6f9203b9a2c7f573a3422b9');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (18, 1795812191362, 'tester', 'create token', 'admin', 'admin', '', '{"name":"admin","role":"admin","expires":"2026-04-01T06:00:00Z"}', '', '', '', '46c8398110fd5db3153c26aa5d48449d20dc88c2ca69114f271fb2d64172aa16');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (19, 1795812191375, 'tester', 'set network', '203.0.113.7/32', 'egress of shop', '', '', '', '', '', '3e7edf2ee5cb3617b87d450c5fa02be20cca3dcdb5bccca25e4500b9caf382c8');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (20, 1795812191378, 'tester', 'invite operator', 'anna', 'admin', '', '{"name":"anna","role":"admin","by":"tester","created":"2026-04-01T06:00:00Z","expires":"2026-11-27T21:43:11.377059252Z"}', '', '', '', '13c9a738b2d634da66ffdcbc16fceab1d3311ede9216cfff87b6618223a67c1e');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (21, 1795812191383, 'anna', 'accept invitation', 'anna', 'made by tester', '', '{"name":"anna","role":"admin","created":"2026-04-01T06:00:00Z"}', '', '', '', 'd020704bac65c751bc1c6c36c23361561497eee98f96fcf7fc8c036fcf27a426');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (22, 1795812191386, 'anna', 'log in', 'anna', '', '', '', '', '', '', 'cd7bb4e17f64e355e8f00d5861a62d0086b019025b19341090e0aaec8efdafc4');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (23, 1795812191387, 'tester', 'invite operator', 'ben', 'operator', '', '{"name":"ben","role":"operator","sites":["shop"],"by":"tester","created":"2026-04-01T06:00:00Z","expires":"2026-04-02T06:00:00Z"}', '', '', '', '95c59c7527abb6dff0c6c7e0bd83a4127fd3a3fedaf3b292ba19f64b182c8f10');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (24, 1795812191390, 'anna', 'propose distribution', 'app@1', 'sites [], all true, normal', '', '{"id":0,"name":"app","version":"1","serial":0,"all":true,"priority":"normal","created":"0001-01-01T00:00:00Z"}', '', '', '', 'bb8d552c30884093185dd3a1464a997f8fea9c6debacd3ce242758e4500cb07c');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (25, 1795812191396, 'tester', 'tag', 'rural', 'new, priority 3, + site shop, + endpoint e1', '', '{"name":"rural","priority":3,"sites":["shop"],"endpoints":["e1"]}', '', '', '', '77546a1a0bac1180acf8036e311b5ad206fea6890ab535954779f7ff23dc777d');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (26, 1795812191397, 'tester', 'settings', 'organisation', 'wan_cap_hours: not set -> mon-fri 08:00-18:00 2mbit; * none', '', '{"wan_cap_hours":"mon-fri 08:00-18:00 2mbit; * none"}', '', '', '', '770df0db5cef29c479d7f6c5ca52c867227baea2a0e61305cea5ebfe08c018a5');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (27, 1795812191399, 'tester', 'settings', 'tag rural', 'wan_rate: not set -> 6mbit', '', '{"wan_rate":"6mbit"}', '', '', '', '180760dd51bc32db1626df8e5235a619d90c2291e4098d2618387d018398176f');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (28, 1795812191406, 'tester', 'note vendor''s file', 'https://vendor.example/filled', '38227814ba3b26895eb50a93018daf939dd1e8047906ac68ddcafcee0a3d9ffc', '', '', '', '', '', 'b8febfdd475eb79e067356fa92b93eea2f29e0fc3800189bd62fe861659c2edc');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (29, 1795812191414, 'tester', 'tag', 'canary', 'new, priority 0, + site shop', '', '{"name":"canary","priority":0,"sites":["shop"],"endpoints":[]}', '', '', '', 'b580fea5636bf370656cc4b7f27bfa0d57de7a892b607978623dc9c441cdc877');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (30, 1795812191417, 'tester', 'distribute', 'app@2', 'sites [], all true, normal, not before 2026-04-01T22:00:00Z, ring 1 canary: tag:canary, ring 2 rest: rest', '', '{"id":3,"name":"app","version":"2","serial":2,"all":true,"priority":"normal","created":"2026-11-27T20:43:11.415730213Z","not_before":"2026-04-01T22:00:00Z","rings":[{"name":"canary","target":"tag:canary","delivered_percent":95,"failed_percent":5,"soak_seconds":60,"at_once":0,"halt_percent":10},{"name":"rest","target":"rest","delivered_percent":95,"failed_percent":5,"soak_seconds":60,"at_once":0,"halt_percent":10}],"rollout":{"state":"waiting","reason":"its first ring opens in a moment","open":0,"changed":"2026-11-27T20:43:11.415730213Z"}}', '', '', '', '752fa53df15952c590abdd202733e36b64beedd62df6909c4cf39d12c4316983');
INSERT INTO dumped.contracts (version) VALUES (21);
INSERT INTO dumped.counted (endpoint, version, origin, peer, relay, reused, wan, complete, heard) VALUES ('e1', '21c115349ecbe7d7071c0431df3bc24f', 50, 40, 3, 7, 50, 1, 1775044800000);
INSERT INTO dumped.daily (day, site, content, endpoints, origin, peer, relay, reused, wan, alone, needed, once) VALUES ('2026-04-01', 'shop', 'app', 1, 50, 40, 3, 7, 56, 93, 93, 93);
INSERT INTO dumped.delivered (version, site) VALUES ('21c115349ecbe7d7071c0431df3bc24f', 'shop');
INSERT INTO dumped.distribution_sites (distribution, site) VALUES (1, 'shop');
INSERT INTO dumped.distribution_sites (distribution, site) VALUES (2, 'shop');
INSERT INTO dumped.distributions (id, name, version, serial, every, priority, created, ready_by, pre_stage, activate, statement, activate_at, instant) VALUES (1, 'app', '1', 1, 0, 'normal', 1795812191328, 0, 0, '', '', 0, 0);
INSERT INTO dumped.distributions (id, name, version, serial, every, priority, created, ready_by, pre_stage, activate, statement, activate_at, instant) VALUES (2, 'app', '2', 2, 0, 'normal', 1795812191345, 0, 0, '', '', 0, 0);
INSERT INTO dumped.distributions (id, name, version, serial, every, priority, created, ready_by, pre_stage, activate, statement, activate_at, instant) VALUES (3, 'app', '2', 2, 1, 'normal', 1795812191415, 0, 0, '', '', 0, 0);
INSERT INTO dumped.endpoints (id, key, name, device, site, created, last_seen, roaming) VALUES ('e2', '6b6579206f66206532', 'till e2', 'linux/amd64', 'other', 1775023200000, 1775023200000, 0);
INSERT INTO dumped.endpoints (id, key, name, device, site, created, last_seen, roaming) VALUES ('e1', '6b6579206f66206531', 'till e1', 'linux/amd64', 'shop', 1775023200000, 1775026800000, 0);
INSERT INTO dumped.enrolments (id, site, secret, uses, expires, roaming) VALUES ('shop/e1', 'shop', '68617368', 0, 1775026800000, 0);
INSERT INTO dumped.enrolments (id, site, secret, uses, expires, roaming) VALUES ('other/e2', 'other', '68617368', 0, 1775026800000, 0);
INSERT INTO dumped.externals (object, url, etag, modified, bytes, body, changed, checked) VALUES ('38227814ba3b26895eb50a93018daf939dd1e8047906ac68ddcafcee0a3d9ffc', 'https://vendor.example/filled', '"v1"', 'Tue, 24 Nov 2026 08:00:00 GMT', 300000, '40013f598e645421a94e59dbf60bf58a21ccdbd0c8236cac30eb8db6e42d1401', '', 1775023200000);
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (1, 0, true, '2026-11-27 20:43:10.898127');
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (2, 9, true, '2026-11-27 20:43:10.906171');
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (3, 10, true, '2026-11-27 20:43:10.980168');
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (4, 11, true, '2026-11-27 20:43:11.000858');
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (5, 12, true, '2026-11-27 20:43:11.024125');
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (6, 13, true, '2026-11-27 20:43:11.059465');
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (7, 14, true, '2026-11-27 20:43:11.07918');
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (8, 15, true, '2026-11-27 20:43:11.094155');
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (9, 16, true, '2026-11-27 20:43:11.125585');
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (10, 17, true, '2026-11-27 20:43:11.14561');
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (11, 18, true, '2026-11-27 20:43:11.161105');
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (12, 19, true, '2026-11-27 20:43:11.180892');
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (13, 20, true, '2026-11-27 20:43:11.196467');
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (14, 21, true, '2026-11-27 20:43:11.208114');
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (15, 23, true, '2026-11-27 20:43:11.217694');
INSERT INTO dumped.invites (hash, name, role, sites, maker, created, expires) VALUES ('696e76697465732062656e', 'ben', 'operator', '["shop"]', 'tester', 1775023200000, 1775109600000);
INSERT INTO dumped.lines (site, egress, capacity, base, busy, learned) VALUES ('shop', '203.0.113.7', 1099511627776, '{"192.0.2.7:3478":40100}', '[0,0,0,0,0,0,0,0,0,0.25,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1]', 1775023200000);
INSERT INTO dumped.meta (key, value) VALUES ('epoch', '7');
INSERT INTO dumped.meta (key, value) VALUES ('generation', '11');
INSERT INTO dumped.meta (key, value) VALUES ('audit_head', '{"id":30,"hash":"752fa53df15952c590abdd202733e36b64beedd62df6909c4cf39d12c4316983"}');
INSERT INTO dumped.networks (cidr, kind, site) VALUES ('203.0.113.7/32', 'egress', 'shop');
INSERT INTO dumped.operators (name, title, role, sites, password, issuer, created, last_login) VALUES ('anna', '', 'admin', '', 'hash of anna', '', 1775023200000, 1775023200000);
INSERT INTO dumped.patches (serial, base, object, due) VALUES (2, '21c115349ecbe7d7071c0431df3bc24f', '', 1);
INSERT INTO dumped.proposals (id, distribution, proposer, person, created, state) VALUES (1, '{"id":0,"name":"app","version":"1","serial":0,"all":true,"priority":"normal","created":"0001-01-01T00:00:00Z"}', 'anna', 'anna', 1795812191389, 'open');
INSERT INTO dumped.receipts (site, version, active, yielded, added) VALUES ('shop', '21c115349ecbe7d7071c0431df3bc24f', 1099511627776, 7, '[3,0,4294967295]');
INSERT INTO dumped.revoked_endpoints (id, revoked, reason) VALUES ('e2', 1775023200000, 'stolen');
INSERT INTO dumped.rules (id, kind, site, name, version, priority, generation, setter, created, expires, upto, reason, rate) VALUES (1, 'pause', 'shop', '', '', '', 5, 'tester', 1795812191352, 0, 0, '', 0);
INSERT INTO dumped.rules (id, kind, site, name, version, priority, generation, setter, created, expires, upto, reason, rate) VALUES (2, 'priority', '', 'app', '2', 'high', 6, 'tester', 1795812191357, 0, 0, '', 0);
INSERT INTO dumped.sessions (hash, operator, created, used) VALUES ('73', 'anna', 1775023200000, 1775023200000);
INSERT INTO dumped.settings (level, subject, key, value) VALUES ('site', 'shop', 'wan_cap', '1mbit');
INSERT INTO dumped.settings (level, subject, key, value) VALUES ('site', 'shop', 'hold_off', '60000ms');
INSERT INTO dumped.settings (level, subject, key, value) VALUES ('site', 'shop', 'replicas', '2');
INSERT INTO dumped.settings (level, subject, key, value) VALUES ('organisation', '', 'wan_cap_hours', 'mon-fri 08:00-18:00 2mbit; * none');
INSERT INTO dumped.settings (level, subject, key, value) VALUES ('tag', 'rural', 'wan_rate', '6mbit');
INSERT INTO dumped.sites (name, cidrs, tz, created, relay, relay_secret) VALUES ('shop', '["10.1.0.0/16"]', 'UTC', 1795812191267, '', '');
INSERT INTO dumped.sites (name, cidrs, tz, created, relay, relay_secret) VALUES ('other', '[]', '', 1795812191281, '', '');
INSERT INTO dumped.spent (site, month, bytes) VALUES ('shop', '2026-04', 1099511627776);
INSERT INTO dumped.tagged (tag, kind, subject) VALUES ('rural', 'site', 'shop');
INSERT INTO dumped.tagged (tag, kind, subject) VALUES ('rural', 'endpoint', 'e1');
INSERT INTO dumped.tagged (tag, kind, subject) VALUES ('canary', 'site', 'shop');
INSERT INTO dumped.tags (name, priority) VALUES ('rural', 3);
INSERT INTO dumped.tags (name, priority) VALUES ('canary', 0);
INSERT INTO dumped.tokens (hash, name, role, expires, sites, maker, created, used) VALUES ('61646d696e2773', 'admin', 'admin', 1775023200000, '', '', 0, 0);
INSERT INTO dumped.trust (serial, document, created) VALUES (1, '{"serial": 1}', 1795812191314);
INSERT INTO dumped.unused (object, since, doomed) VALUES ('e224ddc6b55af8b2a88404a0b6cb2617db0dfc25b3584a4dd7c4358d911e91f5', 1795812191364, 0);
INSERT INTO dumped.unused (object, since, doomed) VALUES ('38227814ba3b26895eb50a93018daf939dd1e8047906ac68ddcafcee0a3d9ffc', 1795812191406, 0);
INSERT INTO dumped.versions (serial, name, version, id, head, body, placement, created, removed) VALUES (1, 'app', '1', '21c115349ecbe7d7071c0431df3bc24f', '{ "z":1,
	"a": "<\u00e9é>", "serial":1, "z":2 }', '21c115349ecbe7d7071c0431df3bc24f2b19b0a1a4a22d8d55358b6c642e4395', 'AP8B/g==', 1795812191320, 0);
INSERT INTO dumped.versions (serial, name, version, id, head, body, placement, created, removed) VALUES (2, 'app', '2', '2b5487f5df3c3ada77de9a94a9402429', '{ "z":1,
	"a": "<\u00e9é>", "serial":2, "z":2 }', '2b5487f5df3c3ada77de9a94a9402429c522483680900c1b7f1fbd5eb0ba3cbb', 'AP8B/g==', 1795812191332, 0);
SELECT pg_catalog.setval('dumped.goose_db_version_id_seq', 15, true);
ALTER TABLE ONLY dumped.activations
    ADD CONSTRAINT activations_pkey PRIMARY KEY (id);
ALTER TABLE ONLY dumped.aims
    ADD CONSTRAINT aims_pkey PRIMARY KEY (distribution);
ALTER TABLE ONLY dumped.answers
    ADD CONSTRAINT answers_pkey PRIMARY KEY (id);
ALTER TABLE ONLY dumped.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (id);
ALTER TABLE ONLY dumped.chunks
    ADD CONSTRAINT chunks_pkey PRIMARY KEY (digest);
ALTER TABLE ONLY dumped.contracts
    ADD CONSTRAINT contracts_pkey PRIMARY KEY (version);
ALTER TABLE ONLY dumped.counted
    ADD CONSTRAINT counted_pkey PRIMARY KEY (endpoint, version);
ALTER TABLE ONLY dumped.daily
    ADD CONSTRAINT daily_pkey PRIMARY KEY (day, site, content);
ALTER TABLE ONLY dumped.delivered
    ADD CONSTRAINT delivered_pkey PRIMARY KEY (version, site);
ALTER TABLE ONLY dumped.distribution_sites
    ADD CONSTRAINT distribution_sites_pkey PRIMARY KEY (distribution, site);
ALTER TABLE ONLY dumped.distributions
    ADD CONSTRAINT distributions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY dumped.endpoints
    ADD CONSTRAINT endpoints_pkey PRIMARY KEY (id);
ALTER TABLE ONLY dumped.enrolments
    ADD CONSTRAINT enrolments_pkey PRIMARY KEY (id);
ALTER TABLE ONLY dumped.externals
    ADD CONSTRAINT externals_pkey PRIMARY KEY (object);
ALTER TABLE ONLY dumped.goose_db_version
    ADD CONSTRAINT goose_db_version_pkey PRIMARY KEY (id);
ALTER TABLE ONLY dumped.invites
    ADD CONSTRAINT invites_name_key UNIQUE (name);
ALTER TABLE ONLY dumped.invites
    ADD CONSTRAINT invites_pkey PRIMARY KEY (hash);
ALTER TABLE ONLY dumped.lines
    ADD CONSTRAINT lines_pkey PRIMARY KEY (site, egress);
ALTER TABLE ONLY dumped.meta
    ADD CONSTRAINT meta_pkey PRIMARY KEY (key);
ALTER TABLE ONLY dumped.networks
    ADD CONSTRAINT networks_pkey PRIMARY KEY (cidr, kind, site);
ALTER TABLE ONLY dumped.operators
    ADD CONSTRAINT operators_pkey PRIMARY KEY (name);
ALTER TABLE ONLY dumped.packs
    ADD CONSTRAINT packs_digest_key UNIQUE (digest);
ALTER TABLE ONLY dumped.packs
    ADD CONSTRAINT packs_pkey PRIMARY KEY (id);
ALTER TABLE ONLY dumped.patches
    ADD CONSTRAINT patches_pkey PRIMARY KEY (serial);
ALTER TABLE ONLY dumped.proposals
    ADD CONSTRAINT proposals_pkey PRIMARY KEY (id);
ALTER TABLE ONLY dumped.receipts
    ADD CONSTRAINT receipts_pkey PRIMARY KEY (site, version);
ALTER TABLE ONLY dumped.revoked_endpoints
    ADD CONSTRAINT revoked_endpoints_pkey PRIMARY KEY (id);
ALTER TABLE ONLY dumped.rules
    ADD CONSTRAINT rules_kind_site_name_version_key UNIQUE (kind, site, name, version);
ALTER TABLE ONLY dumped.rules
    ADD CONSTRAINT rules_pkey PRIMARY KEY (id);
ALTER TABLE ONLY dumped.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (hash);
ALTER TABLE ONLY dumped.settings
    ADD CONSTRAINT settings_pkey PRIMARY KEY (level, subject, key);
ALTER TABLE ONLY dumped.sites
    ADD CONSTRAINT sites_pkey PRIMARY KEY (name);
ALTER TABLE ONLY dumped.spent
    ADD CONSTRAINT spent_pkey PRIMARY KEY (site);
ALTER TABLE ONLY dumped.tagged
    ADD CONSTRAINT tagged_pkey PRIMARY KEY (tag, kind, subject);
ALTER TABLE ONLY dumped.tags
    ADD CONSTRAINT tags_pkey PRIMARY KEY (name);
ALTER TABLE ONLY dumped.tokens
    ADD CONSTRAINT tokens_pkey PRIMARY KEY (hash);
ALTER TABLE ONLY dumped.trust
    ADD CONSTRAINT trust_pkey PRIMARY KEY (serial);
ALTER TABLE ONLY dumped.unused
    ADD CONSTRAINT unused_pkey PRIMARY KEY (object);
ALTER TABLE ONLY dumped.versions
    ADD CONSTRAINT versions_name_version_key UNIQUE (name, version);
ALTER TABLE ONLY dumped.versions
    ADD CONSTRAINT versions_pkey PRIMARY KEY (serial);
CREATE INDEX activations_site ON dumped.activations USING btree (site);
CREATE INDEX activations_version ON dumped.activations USING btree (name, version);
CREATE INDEX aims_state ON dumped.aims USING btree (state);
CREATE INDEX answers_created ON dumped.answers USING btree (created, id);
CREATE INDEX chunks_pack ON dumped.chunks USING btree (pack);
CREATE INDEX daily_site ON dumped.daily USING btree (site, day);
CREATE INDEX distribution_sites_site ON dumped.distribution_sites USING btree (site);
CREATE INDEX distributions_name ON dumped.distributions USING btree (name, serial);
CREATE INDEX endpoints_site ON dumped.endpoints USING btree (site, id);
CREATE INDEX endpoints_text ON dumped.endpoints USING gin (lower(name) s1.gin_trgm_ops, lower(device) s1.gin_trgm_ops);
CREATE INDEX sessions_operator ON dumped.sessions USING btree (operator);
CREATE INDEX tagged_subject ON dumped.tagged USING btree (kind, subject);
CREATE TRIGGER audit_complete BEFORE DELETE ON dumped.audit FOR EACH ROW EXECUTE FUNCTION dumped.refuse_audit_change();
CREATE TRIGGER audit_unaltered BEFORE UPDATE ON dumped.audit FOR EACH ROW WHEN ((old.hash <> ''::text)) EXECUTE FUNCTION dumped.refuse_audit_change();
CREATE TRIGGER audit_whole BEFORE TRUNCATE ON dumped.audit FOR EACH STATEMENT EXECUTE FUNCTION dumped.refuse_audit_change();
ALTER TABLE ONLY dumped.aims
    ADD CONSTRAINT aims_distribution_fkey FOREIGN KEY (distribution) REFERENCES dumped.distributions(id);
ALTER TABLE ONLY dumped.chunks
    ADD CONSTRAINT chunks_pack_fkey FOREIGN KEY (pack) REFERENCES dumped.packs(id);
ALTER TABLE ONLY dumped.distribution_sites
    ADD CONSTRAINT distribution_sites_distribution_fkey FOREIGN KEY (distribution) REFERENCES dumped.distributions(id);
ALTER TABLE ONLY dumped.distribution_sites
    ADD CONSTRAINT distribution_sites_site_fkey FOREIGN KEY (site) REFERENCES dumped.sites(name);
ALTER TABLE ONLY dumped.endpoints
    ADD CONSTRAINT endpoints_site_fkey FOREIGN KEY (site) REFERENCES dumped.sites(name);
ALTER TABLE ONLY dumped.enrolments
    ADD CONSTRAINT enrolments_site_fkey FOREIGN KEY (site) REFERENCES dumped.sites(name);
ALTER TABLE ONLY dumped.lines
    ADD CONSTRAINT lines_site_fkey FOREIGN KEY (site) REFERENCES dumped.sites(name);
ALTER TABLE ONLY dumped.networks
    ADD CONSTRAINT networks_site_fkey FOREIGN KEY (site) REFERENCES dumped.sites(name);
ALTER TABLE ONLY dumped.patches
    ADD CONSTRAINT patches_serial_fkey FOREIGN KEY (serial) REFERENCES dumped.versions(serial);
ALTER TABLE ONLY dumped.receipts
    ADD CONSTRAINT receipts_site_fkey FOREIGN KEY (site) REFERENCES dumped.sites(name);
ALTER TABLE ONLY dumped.sessions
    ADD CONSTRAINT sessions_operator_fkey FOREIGN KEY (operator) REFERENCES dumped.operators(name);
ALTER TABLE ONLY dumped.spent
    ADD CONSTRAINT spent_site_fkey FOREIGN KEY (site) REFERENCES dumped.sites(name);
ALTER TABLE ONLY dumped.tagged
    ADD CONSTRAINT tagged_tag_fkey FOREIGN KEY (tag) REFERENCES dumped.tags(name);
