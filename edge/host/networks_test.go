package host_test

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/sitecast/sitecast/edge/host"
)

func TestOnlyInterfacesThatLeadOutSayWhereAComputerIs(t *testing.T) {
	root := t.TempDir()
	for path, text := range map[string]string{
		"eth0/device/vendor":     "0x8086\n",
		"wg0/type":               "65534\n",
		"tun0/tun_flags":         "0x1001\n",
		"ppp0/type":              "512\n",
		"docker0/brif/veth1/x":   "",
		"veth1/type":             "1\n",
		"virbr0/brif/.keep/x":    "", // removed below: no port at all
		"br0/brif/eth0/x":        "",
		"br1/brif/eth0.7/x":      "",
		"eth0.7/lower_eth0/type": "1\n",
		"veth9/type":             "1\n",
	} {
		file := filepath.Join(root, "sys/class/net", path)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.RemoveAll(filepath.Join(root, "sys/class/net/virbr0/brif/.keep")); err != nil {
		t.Fatal(err)
	}
	senses := host.NewSenses(root, "")
	const up = net.FlagUp | net.FlagRunning
	for _, c := range []struct {
		name  string
		flags net.Flags
		aside bool
	}{
		{"eth0", up, false},
		{"eth0", net.FlagUp, true}, // the cable is out
		{"wg0", up, true},
		{"tun0", up, true},
		{"ppp0", up, true},
		{"utun3", up | net.FlagPointToPoint, true}, // of macOS
		{"docker0", up, true},
		{"virbr0", up, true},
		{"br0", up, false},
		{"br1", up, false},
		{"veth9", up, false}, // of a container whose way out it is
		{"elsewhere", up, false},
	} {
		if got := senses.Aside(c.name, c.flags); got != c.aside {
			t.Errorf("%s (%v): aside %v, want %v", c.name, c.flags, got, c.aside)
		}
	}
	if senses.Tunnels("docker0", up) || !senses.Tunnels("wg0", up) {
		t.Error("a bridge counts as a tunnel, or a tunnel as none")
	}
}
