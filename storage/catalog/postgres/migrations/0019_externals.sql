-- +goose Up
CREATE TABLE externals (
    object TEXT COLLATE "C" PRIMARY KEY,
    url TEXT COLLATE "C" NOT NULL,
    etag TEXT COLLATE "C" NOT NULL,
    modified TEXT COLLATE "C" NOT NULL,
    bytes BIGINT NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    changed TEXT COLLATE "C" NOT NULL,
    checked BIGINT NOT NULL
);

-- +goose Down
DROP TABLE externals;
