-- +goose Up
ALTER TABLE versions ADD COLUMN removed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE packs ADD COLUMN bytes BIGINT NOT NULL DEFAULT 0;
CREATE INDEX chunks_pack ON chunks (pack);
UPDATE packs SET bytes = (SELECT COALESCE(SUM(c.length), 0) FROM chunks c WHERE c.pack = packs.id);
CREATE TABLE unused (object TEXT COLLATE "C" PRIMARY KEY, since BIGINT NOT NULL, doomed BIGINT NOT NULL DEFAULT 0);

-- +goose Down
DROP TABLE unused;
DROP INDEX chunks_pack;
ALTER TABLE packs DROP COLUMN bytes;
ALTER TABLE versions DROP COLUMN removed;
