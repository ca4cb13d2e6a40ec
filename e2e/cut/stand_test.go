//go:build linux

package cut

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/e2e/rig"
	"github.com/sitecast/sitecast/kiosk/activation"
)

const (
	app  = "shop"
	good = true
	bad  = false
	// files is how many a version has, besides its page; all carry its number.
	files = 20
)

// script is hook and probe: it says which step was reached, and stays while it is held.
// A probe fails while the file bad is there.
const script = `: > "$0.reached-$1"
while [ -e "$0.hold-$1" ]; do sleep 0.02; done
[ "$1" != probe ] || [ ! -e "$0.bad" ]
`

// stand is a server and a kiosk on this host.
type stand struct {
	t      *testing.T
	ctx    context.Context
	dir    string
	server *rig.Process
	kiosk  *rig.Process
	url    string // of the server
	page   string // address of the kiosk's
	args   []string

	number   int    // of the newest version
	old, now string // the version that was active before it was ordered, and it
	well     bool   // it is
}

func begin(ctx context.Context, t *testing.T) *stand {
	s := &stand{t: t, ctx: ctx, dir: t.TempDir(), page: s127(t)}
	addr := s127(t)
	s.url = "https://" + addr
	var err error
	s.server, err = rig.Launch(exec.Command(program, "server", "--data", s.path("server"), "--listen", addr, "--turn-listen", "none"), s.path("server.log"))
	s.must(err)
	t.Cleanup(s.end)
	s.must(rig.Wait(ctx, "the server to answer", func() bool {
		_, err := os.Stat(s.path("server", "admin.token"))
		conn, dialErr := net.DialTimeout("tcp", addr, time.Second)
		if dialErr == nil {
			_ = conn.Close()
		}
		return errors.Join(err, dialErr) == nil
	}))
	s.sitecast("site", "create", "here")
	s.must(os.WriteFile(s.path("token"), s.sitecast("enrol", "--site", "here"), 0o600))
	s.must(os.WriteFile(s.hook(), []byte(script), 0o600))
	s.args = []string{"kiosk", "--server", s.url, "--enrol-token-file", s.path("token"), "--data", s.path("kiosk"), "--app", app, "--listen", s.page,
		"--probe", "exec:sh " + s.hook() + " probe", "--before", "sh " + s.hook() + " before", "--after", "sh " + s.hook() + " after",
		"--probe-time", "500ms", "--watch", "off", "--no-polite", "--name", "till", "--rtc-listen", "127.0.0.1:0"}
	return s
}

// s127 is an address on loopback where nobody listened a moment ago.
func s127(t *testing.T) string {
	addr, err := rig.Loopback()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

func (s *stand) end() {
	for _, step := range []string{"before", "probe", "after"} {
		s.release(step)
	}
	rig.StopAll(s.t, s.kiosk, s.server)
}

func (s *stand) path(names ...string) string {
	return filepath.Join(append([]string{s.dir}, names...)...)
}

func (s *stand) hook() string { return s.path("hook") }

func (s *stand) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *stand) wait(d time.Duration) {
	s.t.Helper()
	s.must(rig.Pause(s.ctx, d))
}

// sitecast runs an operator's command.
func (s *stand) sitecast(args ...string) []byte {
	s.t.Helper()
	cmd := exec.CommandContext(s.ctx, program, args...)
	cmd.Env = append(os.Environ(), "SITECAST_SERVER="+s.url, "SITECAST_TOKEN_FILE="+s.path("server", "admin.token"),
		"SITECAST_CA_FILE="+s.path("server", "ca.pem"), "SITECAST_PUBLISHER_KEY="+s.path("publisher.key"))
	out, err := cmd.Output()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		err = fmt.Errorf("sitecast %v: %w\n%s", args, err, exit.Stderr)
	}
	s.must(err)
	return out
}

func (s *stand) launch() {
	s.t.Helper()
	var err error
	s.kiosk, err = rig.Launch(exec.Command(program, s.args...), s.path("kiosk.log"))
	s.must(err)
}

// first has the first version activated, and returns how long a second one takes.
func (s *stand) first() time.Duration {
	s.t.Helper()
	s.order(good)
	s.launch()
	s.settled()
	s.order(good)
	began := time.Now()
	s.settled()
	return time.Since(began)
}

// order publishes and orders another version, whose probes end well or not.
func (s *stand) order(well bool) {
	s.t.Helper()
	if s.number == 0 || s.well { // else the one before came back
		s.old = s.now
	}
	s.number++
	s.now, s.well = fmt.Sprint(s.number), well
	s.mark("bad", !well)
	tree := s.path("tree")
	s.must(os.RemoveAll(tree))
	s.must(os.Mkdir(tree, 0o700))
	for _, name := range names() {
		s.must(os.WriteFile(filepath.Join(tree, name), fmt.Appendf(nil, "%s\n%s\n", s.now, strings.Repeat(name, 1000)), 0o600))
	}
	s.sitecast("publish", tree, "--name", app, "--version", s.now)
	s.sitecast("distribute", app+"@"+s.now, "--all")
}

// names are those of a version's files.
func names() []string {
	all := []string{"index.html"}
	for n := range files {
		all = append(all, fmt.Sprintf("%02d.txt", n))
	}
	return all
}

// mark makes one of the script's files be there or not.
func (s *stand) mark(name string, there bool) {
	s.t.Helper()
	path := s.hook() + "." + name
	if there {
		s.must(os.WriteFile(path, nil, 0o600))
		return
	}
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		s.must(err)
	}
}

// hold has the kiosk stay at each of some steps once it comes there. It does nothing now.
func (s *stand) hold(steps ...string) {
	s.t.Helper()
	for _, step := range steps {
		s.mark("reached-"+step, false)
		s.mark("hold-"+step, true)
	}
}

func (s *stand) release(step string) { s.mark("hold-"+step, false) }

// killAt kills the kiosk at a step where it is held, and starts it again.
func (s *stand) killAt(step string, want activation.Phase) {
	s.t.Helper()
	s.must(rig.Wait(s.ctx, "step "+step, func() bool {
		_, err := os.Stat(s.hook() + ".reached-" + step)
		return err == nil
	}))
	if phase := s.kill(); phase != want {
		s.t.Errorf("at step %s the journal is in phase %q, want %q", step, phase, want)
	}
	s.release(step)
	s.again()
}

// kill ends the kiosk by force. What it left is looked at while nobody works on it; the
// phase is what its journal says.
func (s *stand) kill() activation.Phase {
	s.t.Helper()
	s.kiosk.Kill()
	j, err := s.journal()
	s.must(err)
	if j.Active == nil {
		s.t.Fatalf("no version is active: %+v", j)
	}
	s.oneOfBoth("the journal names", j.Active.Ref.Version)
	s.whole(j.Active.Ref.Version, func(name string) ([]byte, error) {
		return os.ReadFile(s.path("kiosk", "content", app, j.Active.Ref.Version, name))
	})
	return j.Phase
}

func (s *stand) journal() (activation.Journal, error) {
	text, err := os.ReadFile(s.path("kiosk", "kiosk-"+app+".json"))
	if err != nil {
		return activation.Journal{}, err
	}
	return activation.ParseJournal(text, app)
}

func (s *stand) oneOfBoth(what, version string) {
	s.t.Helper()
	if version != s.old && version != s.now {
		s.t.Fatalf("%s version %q, want %s or %s", what, version, s.old, s.now)
	}
}

// whole fails unless all files are of a version.
func (s *stand) whole(version string, read func(name string) ([]byte, error)) {
	s.t.Helper()
	for _, name := range names() {
		text, err := read(name)
		s.must(err)
		if want := version + "\n" + strings.Repeat(name, 1000) + "\n"; string(text) != want {
			s.t.Fatalf("%s of version %s is %.20q ... (%d bytes)", name, version, text, len(text))
		}
	}
}

// again starts the kiosk, and looks at what it serves from its first answer on.
func (s *stand) again() {
	s.t.Helper()
	s.launch()
	var first []byte
	s.must(rig.Wait(s.ctx, "the kiosk to listen", func() bool {
		var err error
		first, err = s.get("index.html")
		if other := new(answer); errors.As(err, &other) {
			s.t.Fatalf("its first answer is %v", err)
		}
		return err == nil
	}))
	for range 10 { // until all files were asked for between two flips
		version, _, _ := strings.Cut(string(first), "\n")
		s.oneOfBoth("it shows", version)
		all := map[string][]byte{}
		for _, name := range names() {
			text, err := s.get(name)
			s.must(err)
			all[name] = text
		}
		last, err := s.get("index.html")
		s.must(err)
		if string(first) == string(last) {
			s.whole(version, func(name string) ([]byte, error) { return all[name], nil })
			return
		}
		first = last
	}
	s.t.Fatal("it flips all the time")
}

// answer is one that is no file.
type answer struct{ status string }

func (a *answer) Error() string { return "answer " + a.status }

// get asks the kiosk for a file as the screen would.
func (s *stand) get(name string) ([]byte, error) {
	req, err := http.NewRequestWithContext(s.ctx, http.MethodGet, "http://"+s.page+"/"+name, nil)
	if err != nil {
		return nil, err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, &answer{res.Status}
	}
	return io.ReadAll(res.Body)
}

// settled waits until the version is kept if it is well, or else the one before is back.
func (s *stand) settled() {
	s.t.Helper()
	active, state := s.now, activation.StateActive
	if !s.well {
		active, state = s.old, activation.StateRolledBack
	}
	var got struct{ State, Active, Reason string }
	err := rig.Wait(s.ctx, fmt.Sprintf("version %s to be %s", active, state), func() bool {
		text, err := s.get("_kiosk/status")
		if err != nil || json.Unmarshal(text, &got) != nil || got.State != state || got.Active != active {
			return false
		}
		j, err := s.journal()
		return err == nil && j.Phase == activation.Idle // the hook after was told
	})
	if err != nil {
		s.t.Fatalf("%v: it is %+v", err, got)
	}
}
