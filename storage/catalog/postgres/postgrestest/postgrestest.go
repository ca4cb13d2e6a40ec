// Package postgrestest starts a PostgreSQL server for tests, on a Unix socket in a
// folder that goes with it. It writes to disk as it likes, because what a test kept
// need not outlive the machine.
package postgrestest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver
)

// user is who asks, and owns the databases.
const user = "sitecast"

// nobody is who runs the server in place of root, which it refuses.
const nobody = 65534

// Server is a running PostgreSQL.
type Server struct {
	folder  string
	schema  atomic.Int64
	running bool
}

// Start makes a server with one database. Its order of text is that of English, in
// which "a" comes before "B". Stop must follow.
func Start() (_ *Server, err error) {
	initdb, err := program("initdb")
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "pg") // the path of a socket may have 107 bytes
	if err != nil {
		return nil, err
	}
	s := &Server{folder: folder}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop())
		}
	}()
	if os.Getuid() == 0 {
		if err := os.Chown(folder, nobody, nobody); err != nil {
			return nil, err
		}
	}
	command := s.command(initdb, "-D", s.data(), "-U", user, "-A", "trust", "-E", "UTF8", "--no-sync", "--no-instructions",
		"--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US")
	if out, err := command.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	return s, s.Resume()
}

// Optional reports whether tests may be left out because of an error of Start:
// PostgreSQL is not installed, and this is not CI.
func Optional(err error) bool { return errors.Is(err, exec.ErrNotFound) && os.Getenv("CI") == "" }

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

// command runs a program of the server, as nobody where we are root.
func (s *Server) command(path string, args ...string) *exec.Cmd {
	c := exec.Command(path, args...)
	c.Dir = s.folder
	c.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	c.SysProcAttr = processOf(os.Getuid())
	return c
}

// settings trade safety for speed.
const settings = "-c listen_addresses= -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c shared_buffers=16MB " +
	"-c autovacuum=off -c max_connections=200 -c max_wal_senders=0 -c wal_level=minimal -k "

// Resume starts a server that was halted, and returns when it answers.
func (s *Server) Resume() error {
	return s.control("start", "-l", filepath.Join(s.folder, "log"), "-o", settings+s.folder)
}

// Halt ends the server and all connections at once; what it keeps stays.
func (s *Server) Halt() error { return s.control("stop", "-m", "fast") }

// control has the server start or stop and waits until it did.
func (s *Server) control(args ...string) error {
	path, err := program("pg_ctl")
	if err != nil {
		return err
	}
	// The server inherits what this is given: a pipe would never end.
	c := s.command(path, append([]string{"-D", s.data(), "-s", "-w"}, args...)...)
	if err := c.Run(); err != nil {
		log, _ := os.ReadFile(filepath.Join(s.folder, "log"))
		return fmt.Errorf("pg_ctl %s: %w: %s", args[0], err, log)
	}
	s.running = args[0] == "start"
	return nil
}

// Stop ends the server for good.
func (s *Server) Stop() (err error) {
	if s.running {
		err = s.Halt()
	}
	return errors.Join(err, os.RemoveAll(s.folder))
}

// URL is the address of a schema in the database, for the server and for
// PostgreSQL's own programs.
func (s *Server) URL(schema string) string {
	q := url.Values{"host": {s.folder}, "options": {"-csearch_path=" + schema}}
	return "postgres://" + user + "@/postgres?" + q.Encode()
}

// New makes an empty schema and returns its address.
func (s *Server) New(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("s%d", s.schema.Add(1))
	s.Do(t, "public", "CREATE SCHEMA "+name)
	return s.URL(name)
}

// Do runs statements in a schema.
func (s *Server) Do(t testing.TB, schema, statements string) {
	t.Helper()
	db, err := sql.Open("pgx", s.URL(schema))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(context.Background(), statements); err != nil {
		t.Fatal(err)
	}
}

// Program runs one of PostgreSQL's programs for its users and returns what it printed.
func (s *Server) Program(t testing.TB, name string, args ...string) string {
	t.Helper()
	path, err := program(name)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(path, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
	return string(out)
}

// program finds a program of PostgreSQL, which Debian keeps in a folder of its version.
func program(name string) (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err == nil && len(found) > 0 {
		return slices.Max(found), nil
	}
	return exec.LookPath(name)
}
