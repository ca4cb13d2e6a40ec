-- +goose Up
CREATE TABLE externals (
    object TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    etag TEXT NOT NULL,
    modified TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    body TEXT NOT NULL,
    changed TEXT NOT NULL,
    checked BIGINT NOT NULL
);

-- +goose Down
DROP TABLE externals;
