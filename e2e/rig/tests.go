//go:build linux

package rig

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Build makes a folder with the program of this source in it, as sitecast. The tests of a
// package that build it remove the folder when they are through.
func Build() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "sitecast-test-"); err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "sitecast"), "github.com/sitecast/sitecast")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		return "", errors.Join(fmt.Errorf("build sitecast: %w", err), os.RemoveAll(dir))
	}
	return dir, nil
}

// Loopback is an address of this host where nobody listened a moment ago.
func Loopback() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// StopAll ends processes in order. A test that failed shows what they printed.
func StopAll(t testing.TB, processes ...*Process) {
	for _, p := range processes {
		if p == nil { // it was never started
			continue
		}
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(p.Log())
		}
	}
}
