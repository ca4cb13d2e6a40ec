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
    rollout text NOT NULL COLLATE pg_catalog."C",
    windows text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C"
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
INSERT INTO dumped.activations (id, name, version, site, activate, statement, activate_at, instant, upto, setter, created) VALUES (1, 'app', '2', 'shop', 'hold', '', 0, 0, 2, 'tester', 1795825627578);
INSERT INTO dumped.aims (distribution, target, not_before, rings, replaces, retry, state, rollout, windows) VALUES (3, '', 1775080800000, '[{"name":"canary","target":"tag:canary","delivered_percent":95,"failed_percent":5,"soak_seconds":60,"at_once":0,"halt_percent":10},{"name":"rest","target":"rest","delivered_percent":95,"failed_percent":5,"soak_seconds":60,"at_once":0,"halt_percent":10}]', 0, 0, 'waiting', '{"state":"waiting","reason":"its first ring opens in a moment","open":0,"changed":"2026-11-28T00:27:07.619801303Z"}', 'mon-fri 22:00-05:00 open; * closed');
INSERT INTO dumped.answers (id, digest, sealed, created) VALUES ('answer', 'digest', 'AP8=', 1775023200000);
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (1, 1795825627537, 'tester', 'create site', 'shop', '', '', '{"name":"shop","cidrs":["10.1.0.0/16"],"tz":"UTC","cap_bytes_per_second":125000,"hold_off_ms":60000,"replicas":2,"peers_on":null,"created":"2026-11-28T00:27:07.533763618Z"}', '', '', '', 'b8e1796be44644fb7c789213b529220570bc5bf1a595fec38ffc6fb330ed9113');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (2, 1795825627539, 'tester', 'create site', 'other', '', '', '{"name":"other","cidrs":null,"cap_bytes_per_second":-1,"hold_off_ms":0,"replicas":0,"peers_on":null,"created":"2026-11-28T00:27:07.539115808Z"}', '', '', '', 'f533b87453c0544da705a32fe5baaf843e15d8320743c0b28f8900d465373af5');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (3, 1795825627544, 'tester', 'create enrolment', 'shop', 'token shop/e1, 1 uses', '', '{"expires":"2026-04-01T07:00:00Z","id":"shop/e1","site":"shop","uses":1}', '', '', '', '18a93307f65c131a457e2d24dc01396ff51df4fa07f97311757fb19365ba476e');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (4, 1795825627550, 'endpoint e1', 'enrol', 'e1', 'token shop/e1', '', '{"site":"shop","name":"till e1","device":"linux/amd64"}', '', '', '', '8c3395b1932f15f4342d6874647cb2d538e8e6174f6473394b41137bb49dffa4');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (5, 1795825627552, 'tester', 'create enrolment', 'other', 'token other/e2, 1 uses', '', '{"expires":"2026-04-01T07:00:00Z","id":"other/e2","site":"other","uses":1}', '', '', '', 'd769512678dd7e8903fbe4cb1f534f623e57430f11be771f323b79d8db889e76');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (6, 1795825627554, 'endpoint e2', 'enrol', 'e2', 'token other/e2', '', '{"site":"other","name":"till e2","device":"linux/amd64"}', '', '', '', 'a4ae49b0bd150c378d62f9d3bf4e68b7a2e42eee0d5c1a8fd7c45ed19ede72d4');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (7, 1795825627556, 'tester', 'revoke endpoint', 'e2', 'stolen', '', '', '', '', '', '087d98e926cc5e00d0642cd53e012df754d7da855dea60b128d88085f3179e8f');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (8, 1795825627558, 'tester', 'change trust', 'serial 1', '', '{"serial":0}', '{"document":{"serial":1},"serial":1}', '', '', '', '18cc730c25e388a5eae6db3efd7e4a6cfa73ecf44e672a50a33a67ccf7752a5f');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (9, 1795825627560, 'tester', 'reserve version', 'app@1', '', '', '', '', '', '', '112f86ffdf028f36b1078eef66ab4443972063c3174f7548ccc81ae69fdc88f8');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (10, 1795825627566, 'tester', 'publish', 'app@1', '21c115349ecbe7d7071c0431df3bc24f', '', '{"body":"21c115349ecbe7d7071c0431df3bc24f2b19b0a1a4a22d8d55358b6c642e4395","id":"21c115349ecbe7d7071c0431df3bc24f","serial":1}', '', '', '', 'a76fa819b887943f172c93442f89a9eaa380d996fc7e51aa74d82bf77ac8397a');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (11, 1795825627571, 'tester', 'distribute', 'app@1', 'sites [shop], all false, normal', '', '{"id":1,"name":"app","version":"1","serial":1,"sites":["shop"],"priority":"normal","created":"2026-11-28T00:27:07.568379713Z"}', '', '', '', 'b9e71004cc70d1c7ec3edc62ac04baa8e716f277efc1182bc641ed2372cc3a6b');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (12, 1795825627572, 'tester', 'reserve version', 'app@2', '', '', '', '', '', '', '7b8dbc1af6382d48dd1d011ef60ab73ed55c471d62334ed6e733956fa953ac28');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (13, 1795825627575, 'tester', 'publish', 'app@2', '2b5487f5df3c3ada77de9a94a9402429', '', '{"body":"2b5487f5df3c3ada77de9a94a9402429c522483680900c1b7f1fbd5eb0ba3cbb","id":"2b5487f5df3c3ada77de9a94a9402429","serial":2}', '', '', '', '028f427e9a6f2e7bd26e32200e22e66550679bcdbf662185f54d0f55a7e439b1');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (14, 1795825627577, 'tester', 'distribute', 'app@2', 'sites [shop], all false, normal', '', '{"id":2,"name":"app","version":"2","serial":2,"sites":["shop"],"priority":"normal","created":"2026-11-28T00:27:07.576796151Z"}', '', '', '', '250c022269b768fb912f1dac3507df1f3b0baec24ee4d23a32690eac994b1c8a');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (15, 1795825627580, 'tester', 'activate', 'app@2', 'shop, held until it is activated', '', '{"activate":"hold"}', '', '', '', '5782740a4b701db20f0d4b740ec2597c8606ab3052fa37f43be13a32b2807bca');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (16, 1795825627582, 'tester', 'pause', 'everything at shop', '', '', '{"site":"shop","kind":"pause","generation":5,"by":"tester","created":"2026-11-28T00:27:07.581018472Z"}', '', '', '', '1a26c3d862120724627b983bc10efd30af346713e96bb03ac131301344103432');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (17, 1795825627584, 'tester', 'priority', 'app@2 everywhere', 'high', '', '{"content":"app","version":"2","kind":"priority","priority":"high","generation":6,"by":"tester","created":"2026-11-28T00:27:07.583804238Z"}', '', '', '', 'd1ab517fd0db068f09ff4ad26803572a8fea86453344b84e7404dc4e2cd943f2');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (18, 1795825627586, 'tester', 'create token', 'admin', 'admin', '', '{"name":"admin","role":"admin","expires":"2026-04-01T06:00:00Z"}', '', '', '', 'ad2f7f14253865b468e6fc82b587f4dc807f073ac7d191875ed068d3b013a010');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (19, 1795825627592, 'tester', 'set network', '203.0.113.7/32', 'egress of shop', '', '', '', '', '', 'b12ff12641aa48f31af4ba7e025da4c720edc0942ac2f8da72434db2fae7e347');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (20, 1795825627595, 'tester', 'invite operator', 'anna', 'admin', '', '{"name":"anna","role":"admin","by":"tester","created":"2026-04-01T06:00:00Z","expires":"2026-11-28T01:27:07.594230095Z"}', '', '', '', '848281a20e6a060596c39ec45c6ae52d03897dd85fd14169b29f86148c3d4001');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (21, 1795825627598, 'anna', 'accept invitation', 'anna', 'made by tester', '', '{"name":"anna","role":"admin","created":"2026-04-01T06:00:00Z"}', '', '', '', '44edbae53b9b583bc4c2aadb5f3440477d3eecb798cc8bbc00d784d3f853129b');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (22, 1795825627600, 'anna', 'log in', 'anna', '', '', '', '', '', '', 'fa17f2db35b25c84c821f801f9e28ec3d20fdad2dba5ff024aa3e792ed203603');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (23, 1795825627601, 'tester', 'invite operator', 'ben', 'operator', '', '{"name":"ben","role":"operator","sites":["shop"],"by":"tester","created":"2026-04-01T06:00:00Z","expires":"2026-04-02T06:00:00Z"}', '', '', '', 'f4b513ff159a0c877b4a07a68cd7b3db87338168b09be888513d091d9d6ab774');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (24, 1795825627603, 'anna', 'propose distribution', 'app@1', 'sites [], all true, normal', '', '{"id":0,"name":"app","version":"1","serial":0,"all":true,"priority":"normal","created":"0001-01-01T00:00:00Z"}', '', '', '', 'a80b260acb7b92b430648aa88e4300ef9f55b89b9ba330d740308139599a8a54');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (25, 1795825627607, 'tester', 'tag', 'rural', 'new, priority 3, + site shop, + endpoint e1', '', '{"name":"rural","priority":3,"sites":["shop"],"endpoints":["e1"]}', '', '', '', '04ab1ae1eda26e252aead5e9ddbfcaf33a9d991c8776b674cf98c0c9db73ada0');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (26, 1795825627609, 'tester', 'settings', 'organisation', 'wan_cap_hours: not set -> mon-fri 08:00-18:00 2mbit; * none', '', '{"wan_cap_hours":"mon-fri 08:00-18:00 2mbit; * none"}', '', '', '', '7c1be38733806d6557804c962515e06f4e9744be7c184197268c3fc1a4b83ae9');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (27, 1795825627610, 'tester', 'settings', 'tag rural', 'wan_rate: not set -> 6mbit', '', '{"wan_rate":"6mbit"}', '', '', '', '1c47d8769abe785192c5e8bf3d0f8f72c3051801221b8225c5518700a547fdae');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (28, 1795825627613, 'tester', 'note vendor''s file', 'https://vendor.example/filled', '38227814ba3b26895eb50a93018daf939dd1e8047906ac68ddcafcee0a3d9ffc', '', '', '', '', '', 'fbd982690fa950cdca82225924fc4889c9711d52cabe92dbf5cc18dfa8308575');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (29, 1795825627618, 'tester', 'tag', 'canary', 'new, priority 0, + site shop', '', '{"name":"canary","priority":0,"sites":["shop"],"endpoints":[]}', '', '', '', '636531b59973e43a425eb0b41b60dd872bc73a432c2d2f2c015531d56ac93028');
INSERT INTO dumped.audit (id, at, who, action, target, detail, was, became, address, via, agent, hash) VALUES (30, 1795825627621, 'tester', 'distribute', 'app@2', 'sites [], all true, normal, not before 2026-04-01T22:00:00Z, fetched in mon-fri 22:00-05:00 open; * closed, ring 1 canary: tag:canary, ring 2 rest: rest', '', '{"id":3,"name":"app","version":"2","serial":2,"all":true,"priority":"normal","created":"2026-11-28T00:27:07.619801303Z","not_before":"2026-04-01T22:00:00Z","window":"mon-fri 22:00-05:00 open; * closed","rings":[{"name":"canary","target":"tag:canary","delivered_percent":95,"failed_percent":5,"soak_seconds":60,"at_once":0,"halt_percent":10},{"name":"rest","target":"rest","delivered_percent":95,"failed_percent":5,"soak_seconds":60,"at_once":0,"halt_percent":10}],"rollout":{"state":"waiting","reason":"its first ring opens in a moment","open":0,"changed":"2026-11-28T00:27:07.619801303Z"}}', '', '', '', '53b7331d474c9bb6983523dbb309b03b45ae4ff52fba9acd8423bfd26660bc67');
INSERT INTO dumped.contracts (version) VALUES (21);
INSERT INTO dumped.counted (endpoint, version, origin, peer, relay, reused, wan, complete, heard) VALUES ('e1', '21c115349ecbe7d7071c0431df3bc24f', 50, 40, 3, 7, 50, 1, 1775044800000);
INSERT INTO dumped.daily (day, site, content, endpoints, origin, peer, relay, reused, wan, alone, needed, once) VALUES ('2026-04-01', 'shop', 'app', 1, 50, 40, 3, 7, 56, 93, 93, 93);
INSERT INTO dumped.delivered (version, site) VALUES ('21c115349ecbe7d7071c0431df3bc24f', 'shop');
INSERT INTO dumped.distribution_sites (distribution, site) VALUES (1, 'shop');
INSERT INTO dumped.distribution_sites (distribution, site) VALUES (2, 'shop');
INSERT INTO dumped.distributions (id, name, version, serial, every, priority, created, ready_by, pre_stage, activate, statement, activate_at, instant) VALUES (1, 'app', '1', 1, 0, 'normal', 1795825627568, 0, 0, '', '', 0, 0);
INSERT INTO dumped.distributions (id, name, version, serial, every, priority, created, ready_by, pre_stage, activate, statement, activate_at, instant) VALUES (2, 'app', '2', 2, 0, 'normal', 1795825627576, 0, 0, '', '', 0, 0);
INSERT INTO dumped.distributions (id, name, version, serial, every, priority, created, ready_by, pre_stage, activate, statement, activate_at, instant) VALUES (3, 'app', '2', 2, 1, 'normal', 1795825627619, 0, 0, '', '', 0, 0);
INSERT INTO dumped.endpoints (id, key, name, device, site, created, last_seen, roaming) VALUES ('e2', '6b6579206f66206532', 'till e2', 'linux/amd64', 'other', 1775023200000, 1775023200000, 0);
INSERT INTO dumped.endpoints (id, key, name, device, site, created, last_seen, roaming) VALUES ('e1', '6b6579206f66206531', 'till e1', 'linux/amd64', 'shop', 1775023200000, 1775026800000, 0);
INSERT INTO dumped.enrolments (id, site, secret, uses, expires, roaming) VALUES ('shop/e1', 'shop', '68617368', 0, 1775026800000, 0);
INSERT INTO dumped.enrolments (id, site, secret, uses, expires, roaming) VALUES ('other/e2', 'other', '68617368', 0, 1775026800000, 0);
INSERT INTO dumped.externals (object, url, etag, modified, bytes, body, changed, checked) VALUES ('38227814ba3b26895eb50a93018daf939dd1e8047906ac68ddcafcee0a3d9ffc', 'https://vendor.example/filled', '"v1"', 'Tue, 24 Nov 2026 08:00:00 GMT', 300000, '40013f598e645421a94e59dbf60bf58a21ccdbd0c8236cac30eb8db6e42d1401', '', 1775023200000);
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (1, 0, true, '2026-11-28 00:27:07.248347');
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (2, 9, true, '2026-11-28 00:27:07.254873');
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (3, 10, true, '2026-11-28 00:27:07.306862');
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (4, 11, true, '2026-11-28 00:27:07.322318');
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (5, 12, true, '2026-11-28 00:27:07.339132');
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (6, 13, true, '2026-11-28 00:27:07.366169');
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (7, 14, true, '2026-11-28 00:27:07.381502');
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (8, 15, true, '2026-11-28 00:27:07.394981');
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (9, 16, true, '2026-11-28 00:27:07.418666');
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (10, 17, true, '2026-11-28 00:27:07.432594');
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (11, 18, true, '2026-11-28 00:27:07.448205');
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (12, 19, true, '2026-11-28 00:27:07.465578');
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (13, 20, true, '2026-11-28 00:27:07.480197');
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (14, 21, true, '2026-11-28 00:27:07.492242');
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (15, 23, true, '2026-11-28 00:27:07.496255');
INSERT INTO dumped.goose_db_version (id, version_id, is_applied, tstamp) VALUES (16, 28, true, '2026-11-28 00:27:07.505242');
INSERT INTO dumped.invites (hash, name, role, sites, maker, created, expires) VALUES ('696e76697465732062656e', 'ben', 'operator', '["shop"]', 'tester', 1775023200000, 1775109600000);
INSERT INTO dumped.lines (site, egress, capacity, base, busy, learned) VALUES ('shop', '203.0.113.7', 1099511627776, '{"192.0.2.7:3478":40100}', '[0,0,0,0,0,0,0,0,0,0.25,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1]', 1775023200000);
INSERT INTO dumped.meta (key, value) VALUES ('epoch', '7');
INSERT INTO dumped.meta (key, value) VALUES ('generation', '11');
INSERT INTO dumped.meta (key, value) VALUES ('audit_head', '{"id":30,"hash":"53b7331d474c9bb6983523dbb309b03b45ae4ff52fba9acd8423bfd26660bc67"}');
INSERT INTO dumped.networks (cidr, kind, site) VALUES ('203.0.113.7/32', 'egress', 'shop');
INSERT INTO dumped.operators (name, title, role, sites, password, issuer, created, last_login) VALUES ('anna', '', 'admin', '', 'hash of anna', '', 1775023200000, 1775023200000);
INSERT INTO dumped.patches (serial, base, object, due) VALUES (2, '21c115349ecbe7d7071c0431df3bc24f', '', 1);
INSERT INTO dumped.proposals (id, distribution, proposer, person, created, state) VALUES (1, '{"id":0,"name":"app","version":"1","serial":0,"all":true,"priority":"normal","created":"0001-01-01T00:00:00Z"}', 'anna', 'anna', 1795825627603, 'open');
INSERT INTO dumped.receipts (site, version, active, yielded, added) VALUES ('shop', '21c115349ecbe7d7071c0431df3bc24f', 1099511627776, 7, '[3,0,4294967295]');
INSERT INTO dumped.revoked_endpoints (id, revoked, reason) VALUES ('e2', 1775023200000, 'stolen');
INSERT INTO dumped.rules (id, kind, site, name, version, priority, generation, setter, created, expires, upto, reason, rate) VALUES (1, 'pause', 'shop', '', '', '', 5, 'tester', 1795825627581, 0, 0, '', 0);
INSERT INTO dumped.rules (id, kind, site, name, version, priority, generation, setter, created, expires, upto, reason, rate) VALUES (2, 'priority', '', 'app', '2', 'high', 6, 'tester', 1795825627583, 0, 0, '', 0);
INSERT INTO dumped.sessions (hash, operator, created, used) VALUES ('73', 'anna', 1775023200000, 1775023200000);
INSERT INTO dumped.settings (level, subject, key, value) VALUES ('site', 'shop', 'wan_cap', '1mbit');
INSERT INTO dumped.settings (level, subject, key, value) VALUES ('site', 'shop', 'hold_off', '60000ms');
INSERT INTO dumped.settings (level, subject, key, value) VALUES ('site', 'shop', 'replicas', '2');
INSERT INTO dumped.settings (level, subject, key, value) VALUES ('organisation', '', 'wan_cap_hours', 'mon-fri 08:00-18:00 2mbit; * none');
INSERT INTO dumped.settings (level, subject, key, value) VALUES ('tag', 'rural', 'wan_rate', '6mbit');
INSERT INTO dumped.sites (name, cidrs, tz, created, relay, relay_secret) VALUES ('shop', '["10.1.0.0/16"]', 'UTC', 1795825627533, '', '');
INSERT INTO dumped.sites (name, cidrs, tz, created, relay, relay_secret) VALUES ('other', '[]', '', 1795825627539, '', '');
INSERT INTO dumped.spent (site, month, bytes) VALUES ('shop', '2026-04', 1099511627776);
INSERT INTO dumped.tagged (tag, kind, subject) VALUES ('rural', 'site', 'shop');
INSERT INTO dumped.tagged (tag, kind, subject) VALUES ('rural', 'endpoint', 'e1');
INSERT INTO dumped.tagged (tag, kind, subject) VALUES ('canary', 'site', 'shop');
INSERT INTO dumped.tags (name, priority) VALUES ('rural', 3);
INSERT INTO dumped.tags (name, priority) VALUES ('canary', 0);
INSERT INTO dumped.tokens (hash, name, role, expires, sites, maker, created, used) VALUES ('61646d696e2773', 'admin', 'admin', 1775023200000, '', '', 0, 0);
INSERT INTO dumped.trust (serial, document, created) VALUES (1, '{"serial": 1}', 1795825627558);
INSERT INTO dumped.unused (object, since, doomed) VALUES ('e224ddc6b55af8b2a88404a0b6cb2617db0dfc25b3584a4dd7c4358d911e91f5', 1795825627587, 0);
INSERT INTO dumped.unused (object, since, doomed) VALUES ('38227814ba3b26895eb50a93018daf939dd1e8047906ac68ddcafcee0a3d9ffc', 1795825627613, 0);
INSERT INTO dumped.versions (serial, name, version, id, head, body, placement, created, removed) VALUES (1, 'app', '1', '21c115349ecbe7d7071c0431df3bc24f', '{ "z":1,
	"a": "<\u00e9é>", "serial":1, "z":2 }', '21c115349ecbe7d7071c0431df3bc24f2b19b0a1a4a22d8d55358b6c642e4395', 'AP8B/g==', 1795825627561, 0);
INSERT INTO dumped.versions (serial, name, version, id, head, body, placement, created, removed) VALUES (2, 'app', '2', '2b5487f5df3c3ada77de9a94a9402429', '{ "z":1,
	"a": "<\u00e9é>", "serial":2, "z":2 }', '2b5487f5df3c3ada77de9a94a9402429c522483680900c1b7f1fbd5eb0ba3cbb', 'AP8B/g==', 1795825627573, 0);
SELECT pg_catalog.setval('dumped.goose_db_version_id_seq', 16, true);
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
