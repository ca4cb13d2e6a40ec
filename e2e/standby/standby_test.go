//go:build linux

// Package standby runs two servers on one PostgreSQL, behind a balancer that asks which one is
// ready, while clients write and an agent fetches: the schema is upgraded, servers are
// stopped, killed in the middle of writes and cut off from the database. No client that sends
// its changes again with their keys hears of it, and what it was told is there, once.
package standby

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sitecast/sitecast/e2e/rig"
	"github.com/sitecast/sitecast/signaling/site"
)

func TestTwoServersOfOneCatalog(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Minute)
	defer stop()
	s := begin(ctx, t)
	first, second := s.places[0], s.places[1]
	s.wantRefusals()
	s.handOut(first, second)
	s.start(second, older)
	s.standsBy(second)
	s.wantStandby(second)

	delivered := s.deliver()
	l := s.load()
	s.must(rig.Pause(ctx, 500*time.Millisecond))

	l.during("expand")
	s.refused(fmt.Sprintf("%d_takes.sql needs that none does", takesVersion), newer, "server", "migrate", "--data", s.dir)
	if state := s.schema(); state.Have != addsVersion || len(state.Pending) != 1 || s.balancer.serving() != first.addr {
		t.Errorf("beside the older server: %+v", state)
	}
	l.during("the newer one takes over")
	s.must(second.process.Stop())
	s.start(second, newer)
	s.standsBy(second)
	s.must(first.process.Stop())
	s.takesOver(second)
	if state := s.schema(); state.Have != takesVersion || state.Since != takesVersion || len(state.Pending) > 0 {
		t.Errorf("once the newer one serves: %+v", state)
	}
	s.refused("use the release that wrote it", older, "server", "--data", first.data, "--standby", "--listen", first.addr, "--turn-listen", "none")

	for range 2 {
		l.during("kill -9")
		s.start(first, newer)
		s.standsBy(first)
		second.process.Kill()
		s.takesOver(first)
		s.start(second, newer)
		s.standsBy(second)
		first.process.Kill()
		s.takesOver(second)
	}
	l.during("cut off from the database")
	s.start(first, newer)
	s.standsBy(first)
	s.cutOff(second)
	s.takesOver(first)

	l.during("")
	s.must(rig.Pause(ctx, 500*time.Millisecond))
	l.end()
	s.compare(l)
	s.until("the agent to have it", delivered)
	t.Logf("%d sites, %d tokens, %d versions; %d requests were sent again; the longest times without an answer: %v",
		len(l.sites), len(l.enrolments), len(l.serials), l.retries, l.gaps)
}

// wantRefusals: a second server is refused unless it stands by, and one that stands by unless
// it could serve.
func (s *stand) wantRefusals() {
	s.t.Helper()
	at := free(s.t)
	args := []string{"server", "--data", filepath.Join(s.dir, "empty"), "--listen", at, "--turn-listen", "none"}
	s.refused("another server has it open", older, args...)
	s.must(os.RemoveAll(filepath.Join(s.dir, "empty")))
	s.refused("root.pub", older, append(args, "--standby")...)
	elsewhere := &place{data: filepath.Join(s.dir, "elsewhere")}
	s.handOut(s.places[0], elsewhere)
	s.refused("--packs", older, "server", "--data", elsewhere.data, "--listen", at, "--turn-listen", "none", "--standby")
}

// wantStandby asks a server that stands by.
func (s *stand) wantStandby(at *place) {
	s.t.Helper()
	if status, _, text := s.ask(at, "/healthz"); status != http.StatusOK {
		s.t.Errorf("/healthz answered %d %s", status, text)
	}
	for _, path := range []string{"/api/v1/sites", "/api/v1/signal", "/packs/x"} {
		status, header, text := s.ask(at, path)
		if status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" || !strings.Contains(text, `"code":"standby"`) {
			s.t.Errorf("%s answered %d %v %s", path, status, header, text)
		}
	}
}

// takesOver waits until a server serves everybody.
func (s *stand) takesOver(at *place) {
	s.t.Helper()
	s.until(at.name+" to take over", func() bool { return s.balancer.serving() == at.addr })
	s.must(rig.Pause(s.ctx, 300*time.Millisecond)) // in which it is written to
}

// cutOff stands for a server that hangs while the database ends its connections: as it comes
// to itself, another one serves, and it ends by itself.
func (s *stand) cutOff(at *place) {
	s.t.Helper()
	pid := at.process.PID()
	s.must(syscall.Kill(pid, syscall.SIGSTOP))
	s.texts(`SELECT pg_terminate_backend(l.pid, 5000)::text FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted
		AND l.objid::bigint = (hashtext(current_schema())::bigint & 4294967295)`)
	other := s.places[0]
	if at == other {
		other = s.places[1]
	}
	s.until("the other one to take over", func() bool { status, _, _ := s.ask(other, "/readyz"); return status == http.StatusOK })
	s.must(syscall.Kill(pid, syscall.SIGCONT))
	s.until("it to end by itself", func() bool { return strings.Contains(at.process.Log(), "another server took the catalog over") })
	s.begun = slices.DeleteFunc(s.begun, func(p *rig.Process) bool { return p == at.process })
	if err := at.process.Stop(); err == nil || !strings.Contains(err.Error(), "exit status 1") {
		s.t.Errorf("it ended with %v", err)
	}
}

// deliver has an agent fetch what takes longer than all that happens meanwhile; what it
// returns tells whether it is there.
func (s *stand) deliver() (delivered func() bool) {
	s.t.Helper()
	const size = 6 << 20
	bytesOf := make([]byte, size)
	_, _ = rand.Read(bytesOf) // never fails
	s.must(os.WriteFile(filepath.Join(s.dir, "app.bin"), bytesOf, 0o600))
	s.sitecast("site", "create", "here")
	s.sitecast("cap", "--site", "here", "--wan", "8mbit")
	s.must(os.WriteFile(filepath.Join(s.dir, "here.token"), []byte(s.sitecast("enrol", "--site", "here")), 0o600))
	s.sitecast("publish", "app.bin", "--name", "app", "--version", "1", "--key", filepath.Join(s.dir, "publisher.key"))
	s.sitecast("distribute", "app@1", "--site", "here")
	data := filepath.Join(s.dir, "till")
	p, err := rig.Launch(exec.Command(newer, "agent", "--server", s.url(), "--enrol-token-file", filepath.Join(s.dir, "here.token"),
		"--data", data, "--name", "till", "--no-polite", "--rtc-listen", "127.0.0.1:0"), filepath.Join(s.dir, "till.log"))
	s.must(err)
	s.begun = append(s.begun, p)
	flow := func() (f site.FlowView) {
		var flows []site.FlowView
		if text, err := s.run(newer, "flows", "--json"); err == nil {
			s.must(json.Unmarshal([]byte(text), &flows))
		}
		if len(flows) > 0 {
			f = flows[0]
		}
		return f
	}
	s.until("the agent to fetch", func() bool { return flow().BytesOrigin > 0 })
	return func() bool {
		got, err := os.ReadFile(filepath.Join(data, "content", "app", "1", "app.bin"))
		return err == nil && bytes.Equal(got, bytesOf) && flow().Complete == 1
	}
}

// compare wants that all that was acknowledged is there, and nothing twice.
func (s *stand) compare(l *load) {
	s.t.Helper()
	for _, err := range l.failed {
		s.t.Errorf("a call failed for good: %v", err)
	}
	there := map[string]bool{}
	for _, name := range s.texts(`SELECT name FROM sites`) {
		there[name] = true
	}
	for _, name := range l.sites {
		if !there[name] {
			s.t.Errorf("site %s was acknowledged and is not there", name)
		}
	}
	tokens := map[string]string{}
	for _, text := range s.texts(`SELECT site || ' ' || id FROM enrolments WHERE site LIKE 'w%'`) {
		name, id, _ := strings.Cut(text, " ")
		if other, twice := tokens[name]; twice {
			s.t.Errorf("%s has the tokens %s and %s", name, other, id)
		}
		tokens[name] = id
	}
	for name, id := range l.enrolments {
		if tokens[name] != id {
			s.t.Errorf("of %s the token %s was acknowledged, and %q is there", name, id, tokens[name])
		}
	}
	versions := s.texts(`SELECT serial::text FROM versions WHERE name LIKE 'app-%'`)
	for serial, of := range l.serials {
		if !slices.Contains(versions, fmt.Sprint(serial)) {
			s.t.Errorf("the version with serial %d (%s) was acknowledged and is not there", serial, of)
		}
	}
	if len(versions) > len(l.serials)+writers {
		s.t.Errorf("%d versions are there, %d were acknowledged", len(versions), len(l.serials))
	}
	if twice := s.texts(`SELECT action || ' ' || target FROM audit WHERE action = 'create site' GROUP BY action, target HAVING COUNT(*) > 1`); len(twice) > 0 {
		s.t.Errorf("done twice: %q", twice)
	}
	if _, err := s.run(newer, "audit", "--verify"); err != nil {
		s.t.Errorf("the audit log: %v", err)
	}
}
