//go:build linux

package story

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"
	"github.com/godbus/dbus/v5/prop"

	"github.com/sitecast/sitecast/e2e/netlab"
	"github.com/sitecast/sitecast/edge/host"
	"github.com/sitecast/sitecast/signaling/site"
)

// busConfig is a bus on which everybody may do everything.
const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*" eavesdrop="true"/><allow receive_sender="*"/></policy>
</busconfig>
`

// desktop is a D-Bus of its own, with what tells of a desktop on it.
type desktop struct {
	address          string
	network, session *prop.Properties
}

// newDesktop starts a bus, and NetworkManager and logind as far as they are asked: nothing
// is metered, there is no tunnel, and nobody works.
func newDesktop(t *testing.T) *desktop {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bus")
	config := path + ".conf"
	if err := os.WriteFile(config, fmt.Appendf(nil, busConfig, path), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("dbus-daemon", "--config-file="+config, "--nofork", "--nopidfile", "--print-address=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatalf("start a bus (.ci/install installs it): %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil { // it listens
		t.Fatal(err)
	}
	d := &desktop{address: "unix:path=" + path}
	conn, err := dbus.Connect(d.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	offer := func(name string, path dbus.ObjectPath, face string, values map[string]*prop.Prop) *prop.Properties {
		p, err := prop.Export(conn, path, prop.Map{face: values})
		if err != nil {
			t.Fatal(err)
		}
		if reply, err := conn.RequestName(name, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
			t.Fatalf("own %s: %v, %v", name, reply, err)
		}
		return p
	}
	d.network = offer(manager, "/org/freedesktop/NetworkManager", manager,
		map[string]*prop.Prop{"Metered": {Value: uint32(4)}, "PrimaryConnectionType": {Value: "802-3-ethernet"}})
	d.session = offer("org.freedesktop.login1", "/org/freedesktop/login1", logind, map[string]*prop.Prop{"IdleHint": {Value: true}})
	return d
}

const (
	manager = "org.freedesktop.NetworkManager"
	logind  = "org.freedesktop.login1.Manager"
)

func TestNetworkManagerAndLogindAreAsked(t *testing.T) {
	if _, err := exec.LookPath("dbus-daemon"); err != nil && os.Getenv("CI") == "" {
		t.Skip("there is no dbus-daemon here; .ci/install installs it")
	}
	d := newDesktop(t)
	senses := host.NewSenses("/", d.address)
	defer senses.Close()
	for _, c := range []struct {
		what string
		set  func()
		want host.Desktop
	}{
		{"a cable, and nobody works", func() {}, host.Desktop{}},
		{"metered", func() { d.network.SetMust(manager, "Metered", uint32(1)) }, host.Desktop{Metered: "NetworkManager says so"}},
		{"metered, as is guessed", func() { d.network.SetMust(manager, "Metered", uint32(3)) }, host.Desktop{Metered: "NetworkManager guesses so"}},
		{"not known", func() { d.network.SetMust(manager, "Metered", uint32(0)) }, host.Desktop{}},
		{"a tunnel", func() { d.network.SetMust(manager, "PrimaryConnectionType", "vpn") }, host.Desktop{Tunnel: "vpn"}},
		{"and somebody works", func() { d.session.SetMust(logind, "IdleHint", false) }, host.Desktop{Tunnel: "vpn", Working: true}},
	} {
		c.set()
		if got := senses.Desktop(t.Context()); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.what, got, c.want)
		}
	}
	if got := host.NewSenses("/", d.address+"x").Desktop(t.Context()); got != (host.Desktop{}) {
		t.Errorf("without a bus: %+v", got)
	}
}

// Two desktops on a metered network, which turns into a tunnel, at which somebody works:
// each is seen by operators as what holds the flow up, and an urgent one goes past the
// second. Asking others is done every ten seconds, so that this takes its time.
func TestDesktopsLeaveTheLineAloneAsTheirDesktopSays(t *testing.T) {
	if os.Getenv("SITECAST_LONG") == "" {
		t.Skip("takes a minute: make test-long")
	}
	const size = 4 * mib
	d := newDesktop(t)
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", d.address)
	d.network.SetMust(manager, "Metered", uint32(3))
	s := open(t, oneSite(2, 50), size)
	s.AgentFlags = []string{"--on-metered", "fetch", "--on-vpn", "fetch", "--working-rate", "80mbit"}
	s.must(s.StartAgents(s.ctx))
	s.sitecast("distribute", "app@1", "--all")
	says := func(what string) func(site.FlowView) bool {
		return func(f site.FlowView) bool { return f.State == site.StateRunning && strings.Contains(f.Reason, what) }
	}
	s.until("the flow to say that the network is metered", "app", 0, says("metered (NetworkManager guesses so)"))
	d.network.SetMust(manager, "PrimaryConnectionType", "vpn")
	d.network.SetMust(manager, "Metered", uint32(4))
	s.until("the flow to say that the way is a tunnel", "app", 0, says("tunnel (vpn)"))
	if f := s.flow("app", 0); f.BytesOrigin > 0 {
		t.Errorf("%d bytes were fetched meanwhile", f.BytesOrigin)
	}
	d.session.SetMust(logind, "IdleHint", false)
	s.sitecast("prioritize", "app", "--priority", "high")
	s.until("the urgent flow to be complete", "app", 0, func(f site.FlowView) bool { return f.Complete == 2 })
	s.wantDelivered("app", "1", size)
	s.publish("film", "1", size)
	d.network.SetMust(manager, "PrimaryConnectionType", "802-3-ethernet")
	s.sitecast("distribute", "film@1", "--all", "--wait")
	list, err := s.Endpoints(s.ctx)
	s.must(err)
	for _, e := range list {
		if got := strings.Join(e.Restraints, "; "); !strings.HasPrefix(got, "user: somebody works at it: it moves at most 80.0 Mbit/s") {
			t.Errorf("%s does without %q", e.Name, got)
		}
	}
}

// The unit that is installed is one that systemd takes, and says itself is well kept.
func TestSystemdTakesTheUnit(t *testing.T) {
	if why := netlab.Unavailable(); why != "" {
		t.Skip(why)
	}
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("there is no systemd-analyze here")
	}
	out, err := exec.Command(program, "agent", "install", "--server", "https://sitecast.example:8443", "--enrol-token-file", "token",
		"--print", "--", "--wan-allowance", "20GB").Output()
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "sitecast-agent.service")
	if err := os.WriteFile(unit, out, 0o644); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.Command("systemd-analyze", "verify", "--man=no", unit).CombinedOutput(); err != nil || len(said) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s%s", err, said, out)
	}
	const most = "20" // of 100, in tenths: who may do as it likes has 96
	if said, err := exec.Command("systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold="+most, unit).CombinedOutput(); err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, said)
	}
}
