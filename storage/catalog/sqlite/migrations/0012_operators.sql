-- +goose Up
ALTER TABLE tokens ADD COLUMN sites TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN maker TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN created BIGINT NOT NULL DEFAULT 0;
ALTER TABLE tokens ADD COLUMN used BIGINT NOT NULL DEFAULT 0;
CREATE TABLE operators (
	name TEXT PRIMARY KEY, title TEXT NOT NULL, role TEXT NOT NULL, sites TEXT NOT NULL, password TEXT NOT NULL, issuer TEXT NOT NULL,
	created BIGINT NOT NULL, last_login BIGINT NOT NULL);
CREATE TABLE invites (
	hash TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, role TEXT NOT NULL, sites TEXT NOT NULL, maker TEXT NOT NULL,
	created BIGINT NOT NULL, expires BIGINT NOT NULL);
CREATE TABLE sessions (
	hash TEXT PRIMARY KEY, operator TEXT NOT NULL REFERENCES operators (name), created BIGINT NOT NULL, used BIGINT NOT NULL);
CREATE INDEX sessions_operator ON sessions (operator);
CREATE TABLE proposals (
	id BIGINT PRIMARY KEY, distribution TEXT NOT NULL, proposer TEXT NOT NULL, person TEXT NOT NULL, created BIGINT NOT NULL,
	state TEXT NOT NULL);
ALTER TABLE audit ADD COLUMN was TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN became TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN via TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN agent TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN hash TEXT NOT NULL DEFAULT '';
-- Entries from before there was a chain are given their hash when the catalog is opened
-- next; nothing else is ever changed.
-- +goose StatementBegin
CREATE TRIGGER audit_unaltered BEFORE UPDATE ON audit WHEN OLD.hash <> '' BEGIN
	SELECT RAISE(ABORT, 'the audit log is only added to');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_complete BEFORE DELETE ON audit BEGIN
	SELECT RAISE(ABORT, 'the audit log is only added to');
END;
-- +goose StatementEnd
-- SQLite replaces a row without asking the trigger above.
-- +goose StatementBegin
CREATE TRIGGER audit_once BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id) BEGIN
	SELECT RAISE(ABORT, 'the audit log is only added to');
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER audit_once;
DROP TRIGGER audit_complete;
DROP TRIGGER audit_unaltered;
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
