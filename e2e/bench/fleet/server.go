//go:build linux

package main

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sitecast/sitecast/e2e/fleet"
	"github.com/sitecast/sitecast/e2e/rig"
	"github.com/sitecast/sitecast/signaling/server"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/catalog/postgres"
	"github.com/sitecast/sitecast/storage/catalog/postgres/postgrestest"
	"github.com/sitecast/sitecast/storage/catalog/sqlite"
)

// own is a server of the bench's, in a process by itself: this program again, so that its
// profile can be read.
type own struct {
	told     told
	process  *exec.Cmd
	postgres *postgrestest.Server // nil: none was started
}

// told is what it is told.
type told struct{ Data, Listen, Database, Profile string }

// serveMain runs it.
func serveMain(ctx context.Context, text string) error {
	var t told
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return err
	}
	return server.Command{Data: t.Data, Listen: t.Listen, Database: t.Database, TURNListen: "none", Fetchers: 1, LogLevel: "error", DebugListen: t.Profile,
		Stdout: io.Discard, Stderr: os.Stderr}.Run(ctx)
}

// start enrols the fleet in a new catalog, and starts a server with it.
func (b *bench) start(ctx context.Context) (err error) {
	b.own = &own{told: told{Data: filepath.Join(b.dir, "data"), Database: b.database}}
	t := &b.own.told
	if err := os.Mkdir(t.Data, 0o700); err != nil {
		return err
	}
	if t.Listen, err = rig.Loopback(); err != nil {
		return err
	}
	if t.Profile, err = rig.Loopback(); err != nil {
		return err
	}
	if b.database == "postgres" {
		if b.own.postgres, err = postgrestest.Start(); err != nil {
			return err
		}
		t.Database = b.own.postgres.URL("public")
	}
	begun := time.Now()
	if err := b.seed(ctx); err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	fmt.Printf("enrolled %d endpoints in the catalog in %.1f s\n", b.plan.Endpoints, time.Since(begun).Seconds())
	b.token = filepath.Join(t.Data, "admin.token")
	if err := b.own.run(ctx); err != nil {
		return err
	}
	text, err := os.ReadFile(b.token)
	b.api = newAPI(&url.URL{Scheme: "http", Host: t.Listen}, strings.TrimSpace(string(text)), nil)
	return err
}

// seed has the catalog make its tables, and fills them.
func (b *bench) seed(ctx context.Context) (err error) {
	c, err := b.catalog(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	driver, at := "pgx", b.own.told.Database
	if at == "sqlite" {
		driver, at = at, b.own.file()
	}
	db, err := sql.Open(driver, at)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := fleet.Seed(ctx, db, b.plan); err != nil {
		return err
	}
	_, err = c.ChangeNetworks(ctx, "bench fleet", nil, b.plan.Networks())
	return err
}

func (b *bench) catalog(ctx context.Context) (catalog.Catalog, error) {
	if at := b.own.told.Database; at != "sqlite" {
		return postgres.Open(ctx, at)
	}
	return sqlite.Open(ctx, b.own.file())
}

// file is where the database is that is in one.
func (o *own) file() string { return filepath.Join(o.told.Data, "sitecast.db") }

// run starts the process, and waits until it answers.
func (o *own) run(ctx context.Context) error {
	text, err := json.Marshal(o.told)
	if err != nil {
		return err
	}
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	o.process = exec.Command(exe, "-serve", string(text)) //nolint:gosec // this program
	o.process.Stderr = os.Stderr
	o.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := o.process.Start(); err != nil {
		return err
	}
	for range 600 {
		resp, err := http.Get("http://" + o.told.Listen + "/readyz")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return errors.New("the server does not answer")
}

// end stops the process in order.
func (o *own) end() error {
	if o.process == nil {
		return nil
	}
	err := o.process.Process.Signal(os.Interrupt)
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	return errors.Join(err, o.process.Wait())
}

// stop ends what start began.
func (b *bench) stop() (err error) {
	if b.own == nil {
		return nil
	}
	err = b.own.end()
	if b.own.postgres != nil {
		err = errors.Join(err, b.own.postgres.Stop())
	}
	return err
}

// usage is what a process took of the processors, and what it has resident.
type usage struct {
	cpu time.Duration
	mib int
}

// usage is zero where the server is somebody else's.
func (b *bench) usage() usage {
	if b.own == nil {
		return usage{}
	}
	return usageOf(strconv.Itoa(b.own.process.Process.Pid))
}

// ticks is the unit of times in /proc, in a second.
const ticks = 100

func usageOf(pid string) (u usage) {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if _, rest, ok := bytes.Cut(stat, []byte(") ")); err == nil && ok {
		fields := strings.Fields(string(rest))
		for _, i := range []int{11, 12} { // of user and system, see proc(5)
			n, _ := strconv.Atoi(fields[i]) // the kernel's own format
			u.cpu += time.Duration(n) * time.Second / ticks
		}
	}
	status, _ := os.ReadFile("/proc/" + pid + "/status")
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.Atoi(strings.Fields(rest)[0])
			u.mib = n / 1024
		}
	}
	return u
}

// profiled reads a CPU profile of its own server while something goes on, and keeps it in a
// file.
func (b *bench) profiled(ctx context.Context, length time.Duration, name string) (path string, err error) {
	at := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", b.own.told.Profile, max(int(length.Seconds()), 1))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the profile answered %s", resp.Status)
	}
	folder := cmp.Or(b.profile, b.dir)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	path = filepath.Join(folder, name+".pprof")
	return path, os.WriteFile(path, text, 0o600)
}

var accounted = regexp.MustCompile(`Showing nodes accounting for [^,]*, ([0-9.]+)% of`)

// shareOf is which share of a profile has a function on its stack that matches.
func shareOf(ctx context.Context, profile, functions string) (percent float64, err error) {
	out, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-top", "-nodefraction=0", "-edgefraction=0", "-nodecount=100000", "-focus="+functions, profile).Output()
	if err != nil {
		return 0, fmt.Errorf("read the profile: %w", err)
	}
	found := accounted.FindSubmatch(out)
	if found == nil {
		return 0, fmt.Errorf("read the profile: %.300s", out)
	}
	return strconv.ParseFloat(string(found[1]), 64)
}
