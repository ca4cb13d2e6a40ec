package service

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/kardianos/service"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a manager of services that remembers what was done.
type fake struct {
	service.Service
	did    []string
	config *service.Config
	broken string // what fails
	status service.Status
	absent bool
}

func (f *fake) do(what string) error {
	f.did = append(f.did, what)
	if what == f.broken {
		return errors.New("it is broken")
	}
	return nil
}
func (f *fake) Install() error   { return f.do("install") }
func (f *fake) Start() error     { return f.do("start") }
func (f *fake) Stop() error      { return f.do("stop") }
func (f *fake) Uninstall() error { return f.do("uninstall") }
func (f *fake) Status() (service.Status, error) {
	if f.absent {
		return service.StatusUnknown, service.ErrNotInstalled
	}
	return f.status, nil
}

// stand is a computer to install on.
func stand(t *testing.T, f *fake) (computer, *strings.Builder) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("what is prepared elsewhere is of the real system")
	}
	out := new(strings.Builder)
	return computer{root: t.TempDir(), out: out, manager: func(c *service.Config) (service.Service, error) {
		f.config = c
		return f, nil
	}}, out
}

func install(t *testing.T) Install {
	t.Helper()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("the secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return Install{Server: "https://sitecast.example:8443", EnrolTokenFile: token, StatusListen: "127.0.0.1:8099"}
}

func TestInstallLeavesTheTokenToNobodyElseAndUninstallKeepsData(t *testing.T) {
	f := &fake{status: service.StatusRunning}
	h, out := stand(t, f)
	if err := install(t).install(h, "/usr/local/bin/sitecast"); err != nil {
		t.Fatal(err)
	}
	token := filepath.Join(h.root, here.settings, tokenFile)
	info, err := os.Stat(token)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the token's copy: %v, %v", info, err)
	}
	script, _ := f.config.Option["SystemdScript"].(string)
	if strings.Contains(script, "the secret") || !strings.Contains(script, "LoadCredential=enrol-token:/etc/sitecast-agent/enrol.token\n") {
		t.Errorf("unit %s", script)
	}
	if !strings.Contains(out.String(), "sitecast agent uninstall") || !strings.Contains(out.String(), "http://127.0.0.1:8099/") {
		t.Errorf("says %s", out)
	}
	data := filepath.Join(h.root, here.data, "content")
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		purge, kept bool
	}{{false, true}, {true, false}} {
		if err := (Uninstall{Purge: c.purge}).uninstall(h); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(data); (err == nil) != c.kept {
			t.Errorf("purge %v: data is there: %v", c.purge, err == nil)
		}
		if _, err := os.Stat(token); err == nil {
			t.Error("the token is still there")
		}
		f.absent = true
	}
	if want := []string{"install", "start", "stop", "uninstall"}; !slices.Equal(f.did, want) {
		t.Errorf("did %v, want %v", f.did, want)
	}
}

func TestServiceThatDoesNotStartIsTakenBack(t *testing.T) {
	f := &fake{broken: "start"}
	h, _ := stand(t, f)
	if err := install(t).install(h, "/usr/local/bin/sitecast"); err == nil {
		t.Error("no error")
	}
	if want := []string{"install", "start", "uninstall"}; !slices.Equal(f.did, want) {
		t.Errorf("did %v, want %v", f.did, want)
	}
}

func TestInstallRefusesWhatWouldNotWork(t *testing.T) {
	for name, c := range map[string]struct {
		bend    func(*Install)
		program string
		want    string
	}{
		"a password":              {func(i *Install) { i.More = []string{"--proxy", "http://me:secret@proxy:3128"} }, "/usr/bin/sitecast", "user and password"},
		"a program in a home":     {func(*Install) {}, "/home/me/sitecast", "/usr/local/bin"},
		"no token":                {func(i *Install) { i.EnrolTokenFile += "x" }, "/usr/bin/sitecast", "sitecast enrol"},
		"an empty token":          {func(i *Install) { i.EnrolTokenFile = os.DevNull }, "/usr/bin/sitecast", "no enrolment token"},
		"a line break in a flag":  {func(i *Install) { i.More = []string{"a\nUser=root"} }, "/usr/bin/sitecast", "line break"},
		"a program with no place": {func(*Install) {}, "sitecast", "not absolute"},
	} {
		f := &fake{}
		h, _ := stand(t, f)
		i := install(t)
		c.bend(&i)
		if err := i.install(h, c.program); err == nil || !strings.Contains(err.Error(), c.want) || len(f.did) > 0 {
			t.Errorf("%s: %v, did %v; want %q and nothing", name, err, f.did, c.want)
		}
	}
}

func TestWordsMeanNothingToSystemd(t *testing.T) {
	text, err := unit("/opt/my tools/sitecast", []string{"--name", `50% "off" $HOME \n`, "--enrol-token-file", systemdPlace.token})
	if err != nil {
		t.Fatal(err)
	}
	if want := `ExecStart="/opt/my tools/sitecast" "--name" "50%% \"off\" $$HOME \\n" "--enrol-token-file" %d/enrol-token` + "\n"; !strings.Contains(text, want) {
		t.Errorf("got %s, want %s", text, want)
	}
}
