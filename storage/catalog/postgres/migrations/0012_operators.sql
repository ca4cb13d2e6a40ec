-- +goose Up
ALTER TABLE tokens ADD COLUMN sites TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN maker TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN created BIGINT NOT NULL DEFAULT 0;
ALTER TABLE tokens ADD COLUMN used BIGINT NOT NULL DEFAULT 0;
CREATE TABLE operators (
	name TEXT COLLATE "C" PRIMARY KEY, title TEXT COLLATE "C" NOT NULL, role TEXT COLLATE "C" NOT NULL, sites TEXT COLLATE "C" NOT NULL,
	password TEXT COLLATE "C" NOT NULL, issuer TEXT COLLATE "C" NOT NULL, created BIGINT NOT NULL, last_login BIGINT NOT NULL);
CREATE TABLE invites (
	hash TEXT COLLATE "C" PRIMARY KEY, name TEXT COLLATE "C" NOT NULL UNIQUE, role TEXT COLLATE "C" NOT NULL, sites TEXT COLLATE "C" NOT NULL,
	maker TEXT COLLATE "C" NOT NULL, created BIGINT NOT NULL, expires BIGINT NOT NULL);
CREATE TABLE sessions (
	hash TEXT COLLATE "C" PRIMARY KEY, operator TEXT COLLATE "C" NOT NULL REFERENCES operators (name), created BIGINT NOT NULL,
	used BIGINT NOT NULL);
CREATE INDEX sessions_operator ON sessions (operator);
CREATE TABLE proposals (
	id BIGINT PRIMARY KEY, distribution TEXT COLLATE "C" NOT NULL, proposer TEXT COLLATE "C" NOT NULL, person TEXT COLLATE "C" NOT NULL, created BIGINT NOT NULL,
	state TEXT COLLATE "C" NOT NULL);
ALTER TABLE audit ADD COLUMN was TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN became TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN address TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN via TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN agent TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN hash TEXT COLLATE "C" NOT NULL DEFAULT '';
-- Entries from before there was a chain are given their hash when the catalog is opened
-- next; nothing else is ever changed.
-- +goose StatementBegin
CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'the audit log is only added to';
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER audit_unaltered BEFORE UPDATE ON audit FOR EACH ROW WHEN (OLD.hash <> '') EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_complete BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_whole BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

-- +goose Down
DROP TRIGGER audit_whole ON audit;
DROP TRIGGER audit_complete ON audit;
DROP TRIGGER audit_unaltered ON audit;
DROP FUNCTION refuse_audit_change();
DELETE FROM meta WHERE key = 'audit_head';
ALTER TABLE audit DROP COLUMN hash;
ALTER TABLE audit DROP COLUMN agent;
ALTER TABLE audit DROP COLUMN via;
ALTER TABLE audit DROP COLUMN address;
ALTER TABLE audit DROP COLUMN became;
ALTER TABLE audit DROP COLUMN was;
DROP TABLE proposals;
DROP TABLE sessions;
DROP TABLE invites;
DROP TABLE operators;
ALTER TABLE tokens DROP COLUMN used;
ALTER TABLE tokens DROP COLUMN created;
ALTER TABLE tokens DROP COLUMN maker;
ALTER TABLE tokens DROP COLUMN sites;
