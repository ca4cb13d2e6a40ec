//go:build linux

package story

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/e2e/rig"
	"github.com/sitecast/sitecast/signaling/site"
)

// output runs a program on the first endpoint's host.
func (s *stage) output(name string, args ...string) string {
	s.t.Helper()
	out, err := s.lab.Sites[0].Endpoints[0].Command(s.ctx, name, args...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// repository makes a folder that apt installs from: a package and its index.
func (s *stage) repository() (dir string, deb []byte) {
	s.t.Helper()
	dir, tree := s.t.TempDir(), s.t.TempDir()
	s.must(os.MkdirAll(filepath.Join(tree, "DEBIAN"), 0o755))
	control := "Package: till\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nDescription: till\n"
	s.must(os.WriteFile(filepath.Join(tree, "DEBIAN", "control"), []byte(control), 0o600))
	_, err := rig.Random(filepath.Join(tree, "till.bin"), mib, sha256.Sum256([]byte("till")))
	s.must(err)
	name := filepath.Join(dir, "till_1_all.deb")
	if out, err := exec.Command("dpkg-deb", "--root-owner-group", "--build", tree, name).CombinedOutput(); err != nil {
		s.t.Fatalf("%v: %s", err, out)
	}
	deb, err = os.ReadFile(name)
	s.must(err)
	index := fmt.Sprintf("%sFilename: till_1_all.deb\nSize: %d\nSHA256: %x\n", control, len(deb), sha256.Sum256(deb))
	s.must(os.WriteFile(filepath.Join(dir, "Packages"), []byte(index), 0o600))
	return dir, deb
}

// What existing tools fetch by HTTP they fetch from the agent of their own host.
func TestCurlAndAptFetchFromTheAgentOfTheirHost(t *testing.T) {
	long(t)
	for _, name := range []string{"curl", "apt-get", "dpkg-deb"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("no %s here", name)
		}
	}
	s := open(t, oneSite(1, 50), mib)
	dir, deb := s.repository()
	s.must(s.Publish(s.ctx, dir, "repo", "1"))
	s.must(s.StartAgents(s.ctx))
	s.sitecast("distribute", "repo@1", "--all")
	s.until("the repository to be there", "repo", 0, func(f site.FlowView) bool { return f.State == site.StateComplete })

	url := "http://127.0.0.1:9090/c/repo/1"
	part := s.output("curl", "-sS", "--fail", "-D", "/dev/stderr", "-r", "1000-1999", "-o", "/dev/null", url+"/till_1_all.deb")
	for _, want := range []string{"206 Partial Content", "Content-Range: bytes 1000-1999/" + fmt.Sprint(len(deb)), "Etag: \"", "immutable", "application/vnd.debian.binary-package"} {
		if !strings.Contains(part, want) {
			t.Errorf("curl -r was not told %q:\n%s", want, part)
		}
	}
	half := filepath.Join(t.TempDir(), "till.deb")
	s.must(os.WriteFile(half, deb[:len(deb)/2], 0o600))
	s.output("curl", "-sS", "--fail", "-C", "-", "-o", half, url+"/till_1_all.deb")
	whole, err := os.ReadFile(half)
	if s.must(err); !bytes.Equal(whole, deb) {
		t.Errorf("curl went on to %d bytes, not those of the package", len(whole))
	}

	root := t.TempDir()
	for _, sub := range []string{"state/lists/partial", "cache/archives/partial", "etc"} {
		s.must(os.MkdirAll(filepath.Join(root, sub), 0o755))
	}
	s.must(os.WriteFile(filepath.Join(root, "etc/sources.list"), []byte("deb [trusted=yes] "+url+" ./\n"), 0o600))
	apt := []string{"-q", "-y", "-o", "Dir::State=" + root + "/state", "-o", "Dir::State::status=/dev/null", "-o", "Dir::Cache=" + root + "/cache",
		"-o", "Dir::Etc::SourceList=" + root + "/etc/sources.list", "-o", "Dir::Etc::SourceParts=-", "-o", "APT::Sandbox::User=root", "-o", "Debug::Acquire::http=true"}
	s.output("apt-get", append(apt, "update")...)
	// What it fetched before it was interrupted, as apt keeps it.
	partial := filepath.Join(root, "cache/archives/partial/till_1_all.deb")
	s.must(os.WriteFile(partial, deb[:len(deb)/2], 0o600))
	modified := ""
	for line := range strings.Lines(part) {
		if value, found := strings.CutPrefix(line, "Last-Modified: "); found {
			modified = strings.TrimSpace(value)
		}
	}
	s.output("touch", "-d", modified, partial)
	said := s.output("apt-get", append(apt, "install", "--download-only", "till")...)
	got, err := os.ReadFile(filepath.Join(root, "cache/archives/till_1_all.deb"))
	if err != nil || !bytes.Equal(got, deb) || !strings.Contains(said, "206 Partial Content") {
		t.Errorf("apt has %d bytes (%v), want the rest of the package by a range:\n%s", len(got), err, said)
	}
}
