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
	// lockWait is how long a new connection waits for the lock: one of ours that broke
	// may take a moment to end.
	lockWait     = time.Second
	queryTimeout = 30 * time.Second
)

// lockSpace sets our lock apart from those of others in the database.
const lockSpace = 0x51733 // "SITE" as it sounds

// lockTaken is the state of SQL in which a lock was not had in time.
const lockTaken = "55P03"

// Catalog is a catalog.Catalog in a PostgreSQL database.
type Catalog struct{ *relational.Catalog }

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
	write := pool(config, 1, stdlib.OptionAfterConnect(holdLock))
	if err := schema.Migrate(ctx, write); err != nil {
		return Catalog{}, errors.Join(fmt.Errorf("open catalog %s: %w", name(config), err), write.Close())
	}
	reading := config.Copy() // a migration may take longer than any query
	reading.RuntimeParams["statement_timeout"] = millis(queryTimeout)
	return Catalog{relational.New(pool(reading, readers), write)}, nil
}

// State says which version of its schema the database has, and changes nothing.
// A server may have it open.
func State(ctx context.Context, at string) (state relational.State, err error) {
	config, err := parse(at)
	if err != nil {
		return state, err
	}
	db := pool(config, 1)
	defer func() { err = errors.Join(err, db.Close()) }()
	if state, err = schema.State(ctx, db); err != nil {
		return state, fmt.Errorf("catalog %s: %w", name(config), err)
	}
	return state, nil
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
	params := map[string]string{"application_name": "sitecast", "lock_timeout": millis(lockWait),
		// A server whose machine died shall not hold the lock for hours.
		"tcp_keepalives_idle": "15", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}
	for key, value := range params {
		if _, set := config.RuntimeParams[key]; !set {
			config.RuntimeParams[key] = value
		}
	}
	return config, nil
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

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
func pool(config *pgx.ConnConfig, conns int, options ...stdlib.OptionOpenDB) *sql.DB {
	options = append(options, stdlib.OptionShouldPing(func(context.Context, stdlib.ShouldPingParams) bool { return true }))
	db := sql.OpenDB(connector{stdlib.GetConnector(*config, options...)})
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db
}

// holdLock takes the lock for the life of a connection.
func holdLock(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1, hashtext(current_schema()))`, lockSpace)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == lockTaken {
		err = relational.ErrLocked
	}
	if err != nil { // or nobody would
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
