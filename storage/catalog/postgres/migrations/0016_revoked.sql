-- +goose Up
CREATE TABLE revoked_endpoints (id TEXT COLLATE "C" PRIMARY KEY, revoked BIGINT NOT NULL, reason TEXT COLLATE "C" NOT NULL);

-- +goose Down
DROP TABLE revoked_endpoints;
