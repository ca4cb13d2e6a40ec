// Package postgres keeps the catalog in a PostgreSQL database, or in one schema of
// one. The one connection that writes holds a lock of the database for as long as it
// lives, so that a second server is refused; a connection that breaks is made anew
// and takes the lock again. The server outlives outages of its database: what was
// asked meanwhile fails with ErrUnavailable, and what is asked after succeeds.
package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/catalog/relational"
)

//go:embed migrations/*.sql
var migrations embed.FS

var schema = relational.Schema{Dialect: "postgres", Files: migrations,
	Tables: `SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = $1`}

const (
	readers        = 16
	connectTimeout = 5 * time.Second
)

// What is said first on a connection. Poolers that pass sessions on whole let it
// through, which they do not do with all that can be said while connecting.
const (
	// toRead bounds what the database does for a query.
	toRead = `SET statement_timeout = '30s'`
	// toWrite takes the lock for the life of the connection, under a number of ours and
	// the schema's name. It waits for a moment, because one of ours that broke may take
	// one to end. That of a server whose machine died shall not last for hours.
	toWrite = toLive + `SET lock_timeout = '1s'; SELECT pg_advisory_lock(333619, hashtext(current_schema())); SET lock_timeout = 0`
	// toMigrate takes another lock: those who change the schema do it one after the other. A
	// server may run meanwhile, so locks on its tables are not waited for long.
	toMigrate = toLive + `SET lock_timeout = '30s'; SELECT pg_advisory_lock(333620, hashtext(current_schema())); SET lock_timeout = '1s'`
	toLive    = `SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; `
)

// Catalog is a catalog.Catalog in a PostgreSQL database.
type Catalog struct {
	*relational.Catalog
	// Slow says why searches for a text are slow; nil where they are not.
	Slow error
}

var _ catalog.Catalog = Catalog{}

// Open opens the database at a URL such as postgres://user@host/name and brings its
// schema up to date. It refuses one that a newer release wrote, and with
// [relational.ErrLocked] one that is open already. What the URL leaves out is taken
// from PGPASSWORD, PGSSLMODE and their like, as by all of PostgreSQL's own programs.
func Open(ctx context.Context, at string) (Catalog, error) {
	config, err := parse(at)
	if err != nil {
		return Catalog{}, err
	}
	steps := pool(config, 1, toMigrate)
	c, err := relational.Open(ctx, schema, pool(config, readers, toRead), pool(config, 1, toWrite), steps)
	if closed := steps.Close(); err == nil && closed != nil {
		err = errors.Join(closed, c.Close())
	}
	if err != nil {
		return Catalog{}, fmt.Errorf("open catalog %s: %w", name(config), err)
	}
	return Catalog{c, quicken(ctx, config)}, nil
}

// State says which version of its schema the database has, and changes nothing.
// A server may have it open.
func State(ctx context.Context, at string) (state relational.State, err error) {
	config, err := parse(at)
	if err != nil {
		return state, err
	}
	db := pool(config, 1, toRead)
	defer func() { err = errors.Join(err, db.Close()) }()
	if state, err = schema.State(ctx, db); err != nil {
		return state, fmt.Errorf("catalog %s: %w", name(config), err)
	}
	return state, nil
}

// Meta reads a setting of the organisation. A server may have the catalog open.
func Meta(ctx context.Context, at, key string) (value string, err error) {
	config, err := parse(at)
	if err != nil {
		return "", err
	}
	db := pool(config, 1, toRead)
	defer func() { err = errors.Join(err, db.Close()) }()
	return schema.Meta(ctx, db, key)
}

// Expand makes those steps of the schema that servers don't notice. One may have it open.
func Expand(ctx context.Context, at string) (err error) {
	config, err := parse(at)
	if err != nil {
		return err
	}
	db := pool(config, 1, toMigrate)
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := schema.Expand(ctx, db); err != nil {
		return fmt.Errorf("catalog %s: %w", name(config), err)
	}
	return nil
}

// Check reports what is wrong with the URL of a database.
func Check(at string) error {
	_, err := parse(at)
	return err
}

// parse reads a URL. Its errors do not repeat a password.
func parse(at string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(at)
	if err != nil {
		return nil, fmt.Errorf("want a URL such as postgres://sitecast@db.example/sitecast: %w", err)
	}
	u, err := url.Parse(at)
	if err != nil {
		return nil, errors.New("want a URL such as postgres://sitecast@db.example/sitecast")
	}
	// The library's default takes any certificate, or none: whoever stands between
	// server and database could read and write everything.
	if !u.Query().Has("sslmode") && os.Getenv("PGSSLMODE") == "" && !near(config) {
		q := u.Query()
		q.Set("sslmode", "verify-full")
		u.RawQuery = q.Encode()
		return parse(u.String())
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "sitecast"
	}
	return config, nil
}

// near reports whether all hosts are this machine.
func near(config *pgx.ConnConfig) bool {
	hosts := []string{config.Host}
	for _, f := range config.Fallbacks {
		hosts = append(hosts, f.Host)
	}
	for _, host := range hosts {
		ip, err := netip.ParseAddr(host)
		if !strings.HasPrefix(host, "/") && host != "localhost" && (err != nil || !ip.IsLoopback()) {
			return false
		}
	}
	return true
}

// name says which database is meant.
func name(config *pgx.ConnConfig) string {
	return fmt.Sprintf("%q at %s", config.Database, net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port))))
}

// pool opens up to conns connections when they are needed. Each is asked before its
// use whether it still stands, and made anew where it does not: nothing has to fail
// because the database was started again.
func pool(config *pgx.ConnConfig, conns int, first string) *sql.DB {
	db := sql.OpenDB(connector{stdlib.GetConnector(*config,
		stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error { return begin(ctx, conn, first) }),
		stdlib.OptionShouldPing(func(context.Context, stdlib.ShouldPingParams) bool { return true }))})
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db
}

// begin says what is said first on a connection, and closes it, as nobody else would,
// when that fails.
func begin(ctx context.Context, conn *pgx.Conn, first string) error {
	_, err := conn.Exec(ctx, first)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == relational.LockMissed {
		err = relational.ErrLocked
	}
	if err != nil {
		return errors.Join(err, conn.Close(ctx))
	}
	return nil
}

// connector says of connections that can't be made that this may pass.
type connector struct{ driver.Connector }

// Connect implements driver.Connector.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil && ctx.Err() == nil && !errors.Is(err, relational.ErrLocked) {
		err = fmt.Errorf("%w: %w", catalog.ErrUnavailable, err)
	}
	return conn, err
}
