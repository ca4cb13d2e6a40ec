-- +goose Up
ALTER TABLE distributions ADD COLUMN activate TEXT NOT NULL DEFAULT '';
ALTER TABLE distributions ADD COLUMN statement TEXT NOT NULL DEFAULT '';
ALTER TABLE distributions ADD COLUMN activate_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE distributions ADD COLUMN instant BIGINT NOT NULL DEFAULT 0;
ALTER TABLE rules ADD COLUMN reason TEXT NOT NULL DEFAULT '';
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
CREATE INDEX activations_version ON activations (name, version);
CREATE INDEX activations_site ON activations (site);

-- +goose Down
DROP TABLE activations;
ALTER TABLE rules DROP COLUMN reason;
ALTER TABLE distributions DROP COLUMN instant;
ALTER TABLE distributions DROP COLUMN activate_at;
ALTER TABLE distributions DROP COLUMN statement;
ALTER TABLE distributions DROP COLUMN activate;
