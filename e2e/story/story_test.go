//go:build linux

// Package story tells, one test a promise, what Sitecast does for those who use
// it: real processes on real kernel links, driven by the command line. Stories
// need root; elsewhere they are skipped, and in CI they fail instead.
package story

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/e2e/netlab"
	"github.com/sitecast/sitecast/e2e/rig"
	"github.com/sitecast/sitecast/signaling/site"
)

const mib = 1 << 20

var program string // the sitecast binary that stories run

func TestMain(m *testing.M) {
	dir, err := rig.Build()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	program = filepath.Join(dir, "sitecast")
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir) // a left-over in the system's temporary folder
		os.Exit(code)
	}))
}

// stage is an installation on a network, with content published.
type stage struct {
	*rig.Rig
	t    *testing.T
	ctx  context.Context
	lab  *netlab.Lab
	size int64
}

// begin starts server and agents, and publishes app@1 of the given size.
func begin(t *testing.T, plan netlab.Plan, size int64) *stage {
	t.Helper()
	s := open(t, plan, size)
	s.must(s.StartAgents(s.ctx))
	return s
}

// open starts a server, and publishes app@1 of the given size.
func open(t *testing.T, plan netlab.Plan, size int64) *stage {
	t.Helper()
	lab := netlab.New(t, plan)
	ctx, stop := context.WithTimeout(t.Context(), 4*time.Minute)
	t.Cleanup(stop)
	r, err := rig.Start(ctx, lab, program, t.TempDir(), rig.TLS)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log("server:\n" + r.Server.Log())
			for _, agents := range r.Agents {
				for _, a := range agents {
					t.Log(a.Name + ":\n" + a.Log())
				}
			}
		}
	})
	s := &stage{Rig: r, t: t, ctx: ctx, lab: lab, size: size}
	s.publish("app", "1", size)
	return s
}

func (s *stage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// publish publishes a file of random bytes, called like the content.
func (s *stage) publish(name, version string, size int64) {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), name)
	_, err := rig.Random(path, size, sha256.Sum256([]byte(name+version)))
	s.must(err)
	s.must(s.Publish(s.ctx, path, name, version))
}

func (s *stage) sitecast(args ...string) {
	s.t.Helper()
	_, err := s.Sitecast(s.ctx, args...)
	s.must(err)
}

// flow returns the one flow of a content at the i-th site.
func (s *stage) flow(name string, i int) site.FlowView {
	s.t.Helper()
	flows, err := s.Flows(s.ctx)
	s.must(err)
	for _, f := range flows {
		if f.Content == name && f.Site == rig.SiteName(i) {
			return f
		}
	}
	s.t.Fatalf("no flow of %s at %s in %+v", name, rig.SiteName(i), flows)
	panic("not reached")
}

// until waits for a flow to be in some state.
func (s *stage) until(what, name string, i int, reached func(site.FlowView) bool) {
	s.t.Helper()
	s.must(rig.Wait(s.ctx, what, func() bool { return reached(s.flow(name, i)) }))
}

// wantDelivered checks every byte at every endpoint.
func (s *stage) wantDelivered(name, version string, size int64) {
	s.t.Helper()
	want := sha256.New()
	_, err := io.CopyN(want, rand.NewChaCha8(sha256.Sum256([]byte(name+version))), size)
	s.must(err)
	for _, agents := range s.Agents {
		for _, a := range agents {
			f, err := os.Open(filepath.Join(a.Placed(name, version), name))
			if err != nil {
				s.t.Errorf("%s: %v", a.Name, err)
				continue
			}
			got := sha256.New()
			_, err = io.Copy(got, f)
			_ = f.Close() // read only
			if err != nil || string(got.Sum(nil)) != string(want.Sum(nil)) {
				s.t.Errorf("%s has other bytes than were published (%v)", a.Name, err)
			}
		}
	}
}

// wantOneCopy checks that the origin served each site the content once.
func (s *stage) wantOneCopy(size int64, copies float64) {
	s.t.Helper()
	served, err := s.Served(s.ctx)
	s.must(err)
	if got := float64(served) / float64(size) / float64(len(s.lab.Sites)); got > copies {
		s.t.Errorf("the origin served %.3f copies a site, want at most %.2f", got, copies)
	}
}

func wan(mbit int64) netlab.WAN { return netlab.Both(netlab.Link{Rate: mbit * 1_000_000}) }

func oneSite(endpoints int, mbit int64) netlab.Plan {
	return netlab.Plan{Sites: []netlab.SitePlan{{Endpoints: endpoints, WAN: wan(mbit)}}}
}

// run runs a program on the first site's router, and runOn on any host.
func (s *stage) run(name string, args ...string) {
	s.t.Helper()
	s.runOn(s.lab.Sites[0].Router, name, args...)
}

func (s *stage) runOn(host *netlab.Host, name string, args ...string) {
	s.t.Helper()
	if out, err := host.Command(s.ctx, name, args...).CombinedOutput(); err != nil {
		s.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}
