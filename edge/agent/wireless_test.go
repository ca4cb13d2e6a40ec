package agent

import (
	"net"
	"os"
	"path/filepath"
	"testing"
)

func TestRadioIsToldByWhatTheKernelSaysOfTheInterface(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"eth0", "wlan0/wireless", "wlan1/phy80211"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]bool{"eth0": false, "wlan0": true, "wlan1": true, "eth9": false, "": false} {
		if got := radio(dir, name); got != want {
			t.Errorf("%q counts as radio: %v, want %v", name, got, want)
		}
	}
}

func TestInterfaceIsFoundByItsAddress(t *testing.T) {
	if got := interfaceOf(net.IPv4(127, 0, 0, 1)); got == "" {
		t.Error("no interface has the address of loopback")
	}
	if got := interfaceOf(net.IPv4(192, 0, 2, 1)); got != "" {
		t.Errorf("%s has an address of documentation", got)
	}
}
