package host_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sitecast/sitecast/edge/host"
)

// kernel makes files as the kernel has them.
func kernel(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, "sys/class", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestBatteryIsToldFromMainsAndFromThatOfAMouse(t *testing.T) {
	battery := func(name, status, charge string, more map[string]string) map[string]string {
		files := map[string]string{"power_supply/" + name + "/type": "Battery", "power_supply/" + name + "/status": status,
			"power_supply/" + name + "/capacity": charge}
		for k, v := range more {
			files["power_supply/"+k] = v
		}
		return files
	}
	for name, c := range map[string]struct {
		files  map[string]string
		charge int
		on     bool
	}{
		"on battery":         {battery("BAT0", "Discharging", "55", map[string]string{"AC/type": "Mains", "AC/online": "0"}), 55, true},
		"on mains":           {battery("BAT0", "Charging", "55", map[string]string{"AC/type": "Mains", "AC/online": "1"}), 0, false},
		"on a weak charger":  {battery("BAT0", "Discharging", "55", map[string]string{"ucsi/type": "USB", "ucsi/online": "1"}), 0, false},
		"full without mains": {battery("BAT0", "Full", "100", nil), 0, false},
		"two batteries": {battery("BAT0", "Discharging", "20", map[string]string{"BAT1/type": "Battery", "BAT1/status": "Unknown",
			"BAT1/capacity": "80"}), 50, true},
		"a mouse":       {battery("hid", "Discharging", "5", map[string]string{"hid/scope": "Device"}), 0, false},
		"says nonsense": {battery("BAT0", "Discharging", "lots", nil), 0, false},
		"none":          {},
	} {
		if charge, on := host.NewSenses(kernel(t, c.files), "").Battery(); charge != c.charge || on != c.on {
			t.Errorf("%s: %d %%, %v; want %d %%, %v", name, charge, on, c.charge, c.on)
		}
	}
}

func TestTunnelsAreToldFromCables(t *testing.T) {
	senses := host.NewSenses(kernel(t, map[string]string{"net/eth0/type": "1", "net/tun0/type": "65534", "net/tun0/tun_flags": "0x1001",
		"net/tap0/type": "1", "net/tap0/tun_flags": "0x1002", "net/wg0/type": "65534", "net/ppp0/type": "512"}), "")
	for name, want := range map[string]bool{"eth0": false, "tun0": true, "tap0": true, "wg0": true, "ppp0": true, "gone": false, "": false} {
		if got := senses.Tunnel(name); got != want {
			t.Errorf("%q is a tunnel: %v, want %v", name, got, want)
		}
	}
}
