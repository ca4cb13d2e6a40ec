-- +goose Up
ALTER TABLE distributions ADD COLUMN activate TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE distributions ADD COLUMN statement TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE distributions ADD COLUMN activate_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE distributions ADD COLUMN instant BIGINT NOT NULL DEFAULT 0;
ALTER TABLE rules ADD COLUMN reason TEXT COLLATE "C" NOT NULL DEFAULT '';
CREATE TABLE activations (
    id          BIGINT PRIMARY KEY,
    name        TEXT COLLATE "C" NOT NULL,
    version     TEXT COLLATE "C" NOT NULL,
    site        TEXT COLLATE "C" NOT NULL,
    activate    TEXT COLLATE "C" NOT NULL,
    statement   TEXT COLLATE "C" NOT NULL,
    activate_at BIGINT NOT NULL,
    instant     BIGINT NOT NULL,
    upto        BIGINT NOT NULL,
    setter      TEXT COLLATE "C" NOT NULL,
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
