-- +goose Up
ALTER TABLE patches ADD COLUMN due BIGINT NOT NULL DEFAULT 0;
INSERT INTO patches (serial, base, object, due)
	SELECT newest.serial, older.id, '', 1 FROM versions newest JOIN versions older ON older.name = newest.name
	WHERE newest.serial = (SELECT MAX(serial) FROM versions v WHERE v.name = newest.name AND v.head <> '')
	AND older.serial = (SELECT MAX(serial) FROM versions v WHERE v.name = newest.name AND v.head <> '' AND v.serial < newest.serial)
	AND NOT EXISTS (SELECT 1 FROM patches p WHERE p.serial = newest.serial);
CREATE INDEX distributions_name ON distributions (name, serial);

-- +goose Down
DROP INDEX distributions_name;
DELETE FROM patches WHERE due = 1;
ALTER TABLE patches DROP COLUMN due;
