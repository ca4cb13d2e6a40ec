//go:build linux

package portal

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/e2e/browser"
	"github.com/sitecast/sitecast/e2e/rig"
	"github.com/sitecast/sitecast/signaling/site"
)

var exe string // the sitecast binary

func TestMain(m *testing.M) {
	dir, err := rig.Build()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	exe = filepath.Join(dir, "sitecast")
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir) // a left-over in the system's temporary folder
		os.Exit(code)
	}))
}

// stand is a server whose site takes its time over a version, a second site that nobody is
// at, and a browser at the portal.
type stand struct {
	*Stand
	t      *testing.T
	ctx    context.Context
	portal *Portal // of an admin
}

func begin(ctx context.Context, t *testing.T) *stand {
	under, err := NewStand(exe, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &stand{Stand: under, t: t, ctx: ctx}
	t.Cleanup(s.end)
	s.must(s.Start(ctx))
	s.run("site", "create", "shop-12")
	s.run("site", "create", "shop-13")
	s.run("cap", "--site", "shop-12", "--wan", "2mbit")
	s.must(s.Publish(ctx, "till-app", "2.1", 40<<20))
	for _, name := range []string{"till-3", "till-4"} {
		s.must(s.Agent(ctx, "shop-12", name))
	}
	s.run("distribute", "till-app@2.1", "--all")
	s.portal, err = Open(ctx, s.invite(Name, "--role", "admin"), filepath.Join(s.Dir, "profile"))
	s.must(err)
	return s
}

func (s *stand) end() {
	if s.portal != nil {
		if err := s.portal.End(); err != nil {
			s.t.Error(err)
		}
	}
	if err := s.End(); err != nil {
		s.t.Error(err)
	}
	if s.t.Failed() {
		s.t.Log(s.Logs())
	}
}

func (s *stand) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *stand) run(args ...string) string {
	s.t.Helper()
	out, err := s.Run(s.ctx, args...)
	s.must(err)
	return out
}

func (s *stand) invite(name string, more ...string) string {
	s.t.Helper()
	link, err := s.Invite(s.ctx, name, more...)
	s.must(err)
	return link
}

// flow is what the server says of the flow to shop-12.
func (s *stand) flow() site.FlowView {
	s.t.Helper()
	var flows []site.FlowView
	s.must(json.Unmarshal([]byte(s.run("flows", "--site", "shop-12", "--json")), &flows))
	if len(flows) != 1 {
		s.t.Fatalf("%d flows, want 1", len(flows))
	}
	return flows[0]
}

func (s *stand) visit(path string) { s.t.Helper(); s.must(s.portal.Visit(s.ctx, path)) }

func (s *stand) until(what, expression string) {
	s.t.Helper()
	s.must(s.portal.Until(s.ctx, what, expression))
}

// is reports whether an expression is true in the page now.
func (s *stand) is(expression string) (yes bool) {
	s.t.Helper()
	s.must(s.portal.Eval(s.ctx, expression, &yes))
	return yes
}

func (s *stand) click(selector string) {
	s.t.Helper()
	s.must(s.portal.Eval(s.ctx, fmt.Sprintf(`document.querySelector(%q).click()`, selector), nil))
}

// press clicks the button that says so.
func (s *stand) press(button string) {
	s.t.Helper()
	s.must(s.portal.Eval(s.ctx, fmt.Sprintf(`[...document.querySelectorAll('button')].find((b) => b.textContent === %q).click()`, button), nil))
}

// as does something with the portal of somebody else.
func (s *stand) as(other *Portal, do func()) {
	was := s.portal
	s.portal = other
	defer func() { s.portal = was }()
	do()
}

func shows(text string) string { return fmt.Sprintf(`document.body.innerText.includes(%q)`, text) }

// ofShop12 finds its row in the table of flows.
const ofShop12 = `[...document.querySelectorAll('tbody tr')].find((r) => r.innerText.includes('shop-12'))`

// running is true when the flow to shop-12 is shown as such.
const running = ofShop12 + `?.querySelector('.state.running') != null`

// steps are what each page is for, a function each, in files by page. Each begins with a
// page of its own choice, and leaves the flow to shop-12 running.
var steps = []struct {
	name string
	do   func(*stand)
}{
	{"the overview", overviewCounts},
	{"flows are steered", flowsAreSteered},
	{"updates are held", updatesAreHeld},
	{"a site", siteShowsItsEndpoints},
	{"sites are found", sitesAreFound},
	{"a content", contentShowsItsVersions},
	{"endpoints are found", endpointsAreFound},
	{"an endpoint, settings and rules", endpointsAreLookedInto},
	{"a swarm", (*stand).swarm},
	{"the past", (*stand).travels},
	{"a token is made", tokensAreMade},
	{"somebody is invited", peopleAreInvited},
	{"the audit log", auditSaysWhoDidWhat},
	{"reports and rollouts", reportsAndRolloutsTeach},
	{"the palette", paletteGoesAnywhere},
	{"roles", rolesSeeAndDoWhatTheyMay},
	{"many tabs", tabsShareTheirStreams},
	{"obstacles", pagesHaveNoObstacles},
	{"the server is away", serverComesBack},
	{"publishing", (*stand).publishing},
}

func TestOperatorsDoWhatEachPageIsFor(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), 4*time.Minute)
	defer stop()
	s := begin(ctx, t)
	s.must(s.portal.Show(ctx, browser.Screen{Width: 1440, Height: 900}))
	for _, step := range steps {
		begun := time.Now()
		step.do(s)
		t.Logf("%-24s %.1f s", step.name, time.Since(begun).Seconds())
	}
}
