//go:build linux

package standby

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/e2e/rig"
	"github.com/sitecast/sitecast/storage/catalog/postgres/postgrestest"
)

// Programs: the one of this source, and a later release of it, whose schema has a step that
// adds something and then one that takes something away.
var older, newer string

const (
	addsVersion  = 9998
	takesVersion = 9999
	adds         = "-- expand: no statement of the release before names the column or the table\n-- +goose Up\n" +
		"ALTER TABLE sites ADD COLUMN later TEXT COLLATE \"C\" NOT NULL DEFAULT '';\nCREATE TABLE later (name TEXT COLLATE \"C\" PRIMARY KEY);\n" +
		"CREATE INDEX audit_target ON audit (target);\n-- +goose Down\nDROP INDEX audit_target;\nDROP TABLE later;\nALTER TABLE sites DROP COLUMN later;\n"
	takes = "-- +goose Up\nALTER TABLE sites DROP COLUMN later;\n-- +goose Down\nALTER TABLE sites ADD COLUMN later TEXT NOT NULL DEFAULT '';\n"
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "sitecast-standby-")
	if err == nil {
		older, newer = filepath.Join(dir, "older"), filepath.Join(dir, "newer")
		err = build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build sitecast:", err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir) // a left-over in the system's temporary folder
		os.Exit(code)
	}))
}

// build builds both. To the later one the compiler is shown two files that are not there.
func build(dir string) error {
	root, err := filepath.Abs("../..")
	if err != nil {
		return err
	}
	overlay := map[string]map[string]string{"Replace": {}}
	for name, text := range map[string]string{fmt.Sprintf("%d_adds.sql", addsVersion): adds, fmt.Sprintf("%d_takes.sql", takesVersion): takes} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return err
		}
		overlay["Replace"][filepath.Join(root, "storage/catalog/postgres/migrations", name)] = file
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		return err
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, text, 0o600); err != nil {
		return err
	}
	for _, args := range [][]string{{"build", "-o", older, root}, {"build", "-overlay", list, "-o", newer, root}} {
		command := exec.Command("go", args...)
		command.Dir, command.Stdout, command.Stderr = root, os.Stderr, os.Stderr
		if err := command.Run(); err != nil {
			return err
		}
	}
	return nil
}

// stand is an installation on this host's loopback: a database, two places for servers, and a
// balancer before them.
type stand struct {
	t        *testing.T
	ctx      context.Context
	dir      string
	database *postgrestest.Server
	at       string // the database's URL
	places   [2]*place
	balancer *balancer
	client   *http.Client // trusts the organisation's private authority
	begun    []*rig.Process
}

// place is where one of the servers runs: a folder and an address.
type place struct {
	name, data, addr string
	process          *rig.Process
}

func begin(ctx context.Context, t *testing.T) *stand {
	s := &stand{t: t, ctx: ctx, dir: t.TempDir()}
	var err error
	if s.database, err = postgrestest.Start(); postgrestest.Optional(err) {
		t.Skip(err)
	}
	s.must(err)
	t.Cleanup(s.end)
	s.at = s.database.New(t)
	for i, name := range []string{"a", "b"} {
		s.places[i] = &place{name: name, data: filepath.Join(s.dir, name), addr: free(t)}
	}
	s.balancer, err = balance(s.places[0].addr, s.places[1].addr)
	s.must(err)
	s.start(s.places[0], older)
	s.until("the first server to serve", func() bool { return s.balancer.serving() == s.places[0].addr })
	authority, err := os.ReadFile(filepath.Join(s.places[0].data, "ca.pem"))
	s.must(err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	s.client = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, MaxIdleConnsPerHost: 32}}
	return s
}

// free is an address where nobody listened a moment ago.
func free(t *testing.T) string {
	addr, err := rig.Loopback()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

func (s *stand) end() {
	rig.StopAll(s.t, s.begun...)
	if s.client != nil {
		s.client.CloseIdleConnections()
	}
	if s.balancer != nil {
		s.balancer.close()
	}
	if err := s.database.Stop(); err != nil {
		s.t.Error(err)
	}
}

func (s *stand) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *stand) until(what string, done func() bool) {
	s.t.Helper()
	s.must(rig.Wait(s.ctx, what, done))
}

// start starts a server that waits for its turn.
func (s *stand) start(at *place, program string) {
	s.t.Helper()
	command := exec.Command(program, "server", "--standby", "--data", at.data, "--listen", at.addr, "--turn-listen", "none", "--api-rate", "0",
		"--packs", filepath.Join(s.dir, "packs"), "--public-url", s.url())
	command.Env = append(os.Environ(), "SITECAST_DATABASE="+s.at)
	p, err := rig.Launch(command, filepath.Join(s.dir, at.name+".log"))
	s.must(err)
	at.process, s.begun = p, append(s.begun, p)
}

// url is where everybody finds the server.
func (s *stand) url() string { return "https://" + s.balancer.addr() }

// handOut copies what two servers have to have alike.
func (s *stand) handOut(from, to *place) {
	s.t.Helper()
	s.must(os.MkdirAll(to.data, 0o700))
	for _, name := range []string{"root.pub", "root.key", "token.key", "url.key", "turn.key", "ca.pem", "ca.key"} {
		text, err := os.ReadFile(filepath.Join(from.data, name))
		s.must(err)
		s.must(os.WriteFile(filepath.Join(to.data, name), text, 0o600))
	}
}

// run runs a program to its end.
func (s *stand) run(program string, args ...string) (string, error) {
	s.t.Helper()
	ctx, stop := context.WithTimeout(s.ctx, 20*time.Second)
	defer stop()
	command := exec.CommandContext(ctx, program, args...)
	command.Env = append(os.Environ(), "SITECAST_DATABASE="+s.at, "SITECAST_SERVER="+s.url(), "SITECAST_TOKEN_FILE="+filepath.Join(s.places[0].data, "admin.token"))
	command.Dir = s.dir
	out, err := command.Output()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		err = fmt.Errorf("%w: %s", err, exit.Stderr)
	}
	return string(out), err
}

func (s *stand) sitecast(args ...string) string {
	s.t.Helper()
	out, err := s.run(newer, args...)
	s.must(err)
	return out
}

// refused wants that a program fails and says why.
func (s *stand) refused(why, program string, args ...string) {
	s.t.Helper()
	if out, err := s.run(program, args...); err == nil || !strings.Contains(err.Error(), why) {
		s.t.Errorf("%v ended with %v, want %q (%s)", args, err, why, out)
	}
}

// schema is what the later release says of the schema.
func (s *stand) schema() (state struct {
	Have, Since int64
	Pending     []string
}) {
	s.t.Helper()
	s.must(json.Unmarshal([]byte(s.sitecast("server", "migrate", "--data", s.dir, "--dry-run", "--json")), &state))
	return state
}

// ask asks one of the servers, past the balancer.
func (s *stand) ask(at *place, path string) (status int, header http.Header, text string) {
	s.t.Helper()
	resp, err := s.client.Get("https://" + at.addr + path)
	if err != nil {
		return 0, nil, err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	s.must(err)
	return resp.StatusCode, resp.Header, string(body)
}

// standsBy waits until a server does.
func (s *stand) standsBy(at *place) {
	s.t.Helper()
	s.until(at.name+" to stand by", func() bool {
		status, _, text := s.ask(at, "/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(text, "standby: another server holds the catalog")
	})
}

// texts reads a column of the database.
func (s *stand) texts(query string) (out []string) {
	s.t.Helper()
	db, err := sql.Open("pgx", s.at)
	s.must(err)
	defer db.Close()
	rows, err := db.QueryContext(s.ctx, query)
	s.must(err)
	defer rows.Close()
	for rows.Next() {
		var text string
		s.must(rows.Scan(&text))
		out = append(out, text)
	}
	s.must(rows.Err())
	return out
}
