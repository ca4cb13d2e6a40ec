//go:build linux

package portal

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
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

// stand is a server whose site takes its time over a version, and a browser at its portal.
type stand struct {
	t         *testing.T
	ctx       context.Context
	dir, addr string
	processes []*rig.Process
	portal    *Portal
}

func begin(ctx context.Context, t *testing.T) *stand {
	s := &stand{t: t, ctx: ctx, dir: t.TempDir()}
	var err error
	s.addr, err = rig.Loopback()
	s.must(err)
	t.Cleanup(s.end)
	data := filepath.Join(s.dir, "server")
	server := s.launch("server", "server", "--data", data, "--listen", s.addr, "--turn-listen", "none")
	s.must(rig.Wait(ctx, "the server to answer", func() bool {
		_, err := os.Stat(filepath.Join(data, "admin.token"))
		return err == nil && s.command("site", "list").Run() == nil
	}))
	_, err = rig.Random(filepath.Join(s.dir, "till.bin"), 40<<20, [32]byte{7})
	s.must(err)
	s.run("site", "create", "shop-12")
	s.run("cap", "--site", "shop-12", "--wan", "2mbit")
	s.run("publish", filepath.Join(s.dir, "till.bin"), "--name", "till-app", "--version", "2.1", "--key", filepath.Join(s.dir, "publisher.key"))
	for _, name := range []string{"till-3", "till-4"} {
		token := filepath.Join(s.dir, name+".token")
		s.must(os.WriteFile(token, []byte(s.run("enrol", "--site", "shop-12")), 0o600))
		s.launch(name, "agent", "--server", "https://"+s.addr, "--enrol-token-file", token, "--data", filepath.Join(s.dir, name), "--name", name,
			"--no-polite", "--rtc-listen", "127.0.0.1:0")
	}
	s.run("distribute", "till-app@2.1", "--all")
	invite := regexp.MustCompile(`https://\S+/invite\?token=\S+`).FindString(server.Log())
	s.portal, err = Open(ctx, invite, filepath.Join(s.dir, "profile"))
	s.must(err)
	return s
}

func (s *stand) end() {
	if s.portal != nil {
		if err := s.portal.End(); err != nil {
			s.t.Error(err)
		}
	}
	rig.StopAll(s.t, s.processes...)
}

func (s *stand) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *stand) launch(name string, args ...string) *rig.Process {
	s.t.Helper()
	p, err := rig.Launch(exec.Command(exe, args...), filepath.Join(s.dir, name+".log"))
	s.must(err)
	s.processes = append(s.processes, p)
	return p
}

func (s *stand) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(s.ctx, exe, args...)
	data := filepath.Join(s.dir, "server")
	cmd.Env = append(os.Environ(), "SITECAST_SERVER=https://"+s.addr, "SITECAST_TOKEN_FILE="+filepath.Join(data, "admin.token"))
	return cmd
}

func (s *stand) run(args ...string) string {
	s.t.Helper()
	cmd := s.command(args...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("sitecast %s: %v\n%s", strings.Join(args, " "), err, &said)
	}
	return string(out)
}

func (s *stand) flow() site.FlowView {
	s.t.Helper()
	var flows []site.FlowView
	s.must(json.Unmarshal([]byte(s.run("flows", "--json")), &flows))
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

func (s *stand) click(selector string) {
	s.t.Helper()
	s.must(s.portal.Eval(s.ctx, fmt.Sprintf(`document.querySelector(%q).click()`, selector), nil))
}

// press clicks the button that says so.
func (s *stand) press(button string) {
	s.t.Helper()
	s.must(s.portal.Eval(s.ctx, fmt.Sprintf(`[...document.querySelectorAll('button')].find((b) => b.textContent === %q).click()`, button), nil))
}

func shows(text string) string { return fmt.Sprintf(`document.body.innerText.includes(%q)`, text) }

func TestOperatorsWatchAndSteerFlows(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute)
	defer stop()
	s := begin(ctx, t)
	s.must(s.portal.Show(ctx, browser.Screen{Width: 1440, Height: 900}))
	s.until("the overview to count both tills", `[...document.querySelectorAll('.figure-card')].some((c) => c.innerText.includes('Endpoints online') && c.innerText.includes('2\nof 2'))`)
	s.until("the overview to show that bytes move", `document.querySelector('.figure-card dd').innerText !== '0 bit/s'`)

	s.visit("flows")
	s.until("the flow to run", `document.querySelector('td .state.running') !== null`)
	s.click(`tbody input[type="checkbox"]`)
	s.press("Pause")
	s.until("the pause to be in effect", shows("Pause: in effect after"))
	if f := s.flow(); f.State != site.StatePaused || !strings.HasPrefix(f.PausedBy, Name+" paused ") {
		t.Errorf("the server says %s, paused by %q", f.State, f.PausedBy)
	}
	s.until("the table to say who paused it", shows(Name+" paused till-app@2.1 at shop-12"))
	s.click(`button.why`)
	s.until("the story to tell of the pause", `[...document.querySelectorAll('dialog .timeline li')].some((l) => l.innerText.includes('`+Name+` paused'))`)
	s.press("Close")
	s.press("Resume")
	s.until("the flow to run again", shows("Resume: in effect after")+` && document.querySelector('td .state.running') !== null`)
	if f := s.flow(); f.PausedBy != "" {
		t.Errorf("the server says it is paused by %q", f.PausedBy)
	}
	s.run("pause", "--content", "till-app") // somebody else
	s.until("what others do to be seen", `document.querySelector('td .state.paused') !== null`)
	s.run("resume", "--content", "till-app")

	s.must(s.portal.Press(ctx, "k", true))
	s.until("the palette", `document.querySelector('dialog[open] input') === document.activeElement`)
	s.must(s.portal.Type(ctx, "shop-1"))
	s.until("the site to be found", `document.querySelector('dialog [role="option"]')?.innerText.includes('shop-12')`)
	s.must(s.portal.Press(ctx, "Enter", false))
	s.until("its page", `location.pathname === '/portal/sites/shop-12' && document.querySelector('h1').innerText === 'shop-12'`)
	s.until("its endpoints", shows("till-3")+" && "+shows("till-4"))
	s.swarm()
	s.travels()
	s.tabs()
	s.publishing()
	endpointsAreLookedInto(s)
	s.pages()
}

// tabs opens more of them than a browser keeps connections to a server: they share theirs.
func (s *stand) tabs() {
	for i := range 8 {
		tab, err := s.portal.Tab(s.ctx, "flows")
		s.must(err)
		s.must(tab.Until(s.ctx, fmt.Sprintf("tab %d to be live", i+2), `document.querySelector('td .state.running') !== null && `+shows("Live")))
	}
}

// axe is what looks for obstacles; it is a development dependency of the portal.
const axe = "../../web/portal/node_modules/axe-core/axe.min.js"

// pages looks at every page, in both themes and on a narrow screen.
func (s *stand) pages() {
	source, err := os.ReadFile(axe)
	if err != nil {
		s.t.Fatalf("%v: make web installs it", err)
	}
	for _, screen := range []browser.Screen{{Width: 1440, Height: 900, Calm: true}, {Width: 360, Height: 740, Dark: true, Calm: true}} {
		s.must(s.portal.Show(s.ctx, screen))
		for _, path := range []string{"", "flows", "flows?group=site", "sites", "sites/shop-12", "endpoints", "contents", "contents/till-app", "contents/till-app/distribute", "publish", "rollouts", "reports", "enrolment", "access", "audit"} {
			s.visit(path)
			where := fmt.Sprintf("/portal/%s at %d pixels, dark %v", path, screen.Width, screen.Dark)
			var found []string
			s.must(s.portal.Eval(s.ctx, string(source)+`;axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] }).then((r) =>
				r.violations.map((v) => v.id + ': ' + v.help + ' ' + v.nodes.map((n) => n.html).join(' ').slice(0, 400)))`, &found))
			for _, f := range found {
				s.t.Errorf("%s: %s", where, f)
			}
			wrong, err := s.portal.Wrong(s.ctx)
			s.must(err)
			if len(wrong) > 0 {
				s.t.Errorf("%s: %q", where, wrong)
			}
			var wide bool
			s.must(s.portal.Eval(s.ctx, `document.documentElement.scrollWidth > document.documentElement.clientWidth`, &wide))
			if wide {
				s.t.Errorf("%s is wider than its screen", where)
			}
		}
	}
}
