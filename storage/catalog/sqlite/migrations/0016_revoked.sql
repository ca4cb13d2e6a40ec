-- +goose Up
CREATE TABLE revoked_endpoints (id TEXT PRIMARY KEY, revoked BIGINT NOT NULL, reason TEXT NOT NULL);

-- +goose Down
DROP TABLE revoked_endpoints;
