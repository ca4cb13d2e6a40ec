package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// pair is two versions of one content.
type pair struct{ name, from, to string }

// toolchains fetches two Go releases from the module proxy.
func toolchains(from, to string) (pair, error) {
	p := pair{name: from + " -> " + to}
	for version, dir := range map[string]*string{from: &p.from, to: &p.to} {
		out, err := exec.Command("go", "mod", "download", "-json", "golang.org/toolchain@v0.0.1-"+version+".linux-amd64").Output()
		if err != nil {
			return p, fmt.Errorf("download %s: %w: %.500s", version, err, out)
		}
		var module struct{ Dir string }
		if err := json.Unmarshal(out, &module); err != nil {
			return p, err
		}
		*dir = module.Dir
	}
	return p, nil
}

// packages fetches the two newest versions of a Debian package and unpacks them into
// dir. Symbolic links are left out, for everybody.
func packages(dir, name string) (pair, error) {
	out, err := exec.Command("apt-cache", "madison", name).Output()
	if err != nil {
		return pair{}, fmt.Errorf("ask apt for %s: %w", name, err)
	}
	var versions []string
	for line := range strings.Lines(string(out)) {
		fields := strings.Split(line, "|")
		if len(fields) == 3 && strings.HasSuffix(strings.TrimSpace(fields[2]), "Packages") {
			versions = append(versions, strings.TrimSpace(fields[1]))
		}
	}
	if len(versions) < 2 || versions[0] == versions[1] {
		return pair{}, fmt.Errorf("apt serves no two versions of %s", name)
	}
	p := pair{name: fmt.Sprintf("%s %s -> %s", name, versions[1], versions[0]), from: filepath.Join(dir, "old"), to: filepath.Join(dir, "new")}
	for tree, version := range map[string]string{p.from: versions[1], p.to: versions[0]} {
		fetch := exec.Command("apt-get", "download", name+"="+version)
		if fetch.Dir, err = os.MkdirTemp(dir, "deb-"); err != nil {
			return p, err
		}
		if out, err := fetch.CombinedOutput(); err != nil {
			return p, fmt.Errorf("%s: %w: %.500s", fetch, err, out)
		}
		debs, err := filepath.Glob(filepath.Join(fetch.Dir, "*.deb"))
		if err != nil || len(debs) != 1 {
			return p, fmt.Errorf("%d packages downloaded (%w)", len(debs), err)
		}
		if err := errors.Join(run("dpkg-deb", "-x", debs[0], tree), withoutLinks(tree)); err != nil {
			return p, err
		}
	}
	return p, nil
}

func withoutLinks(tree string) error {
	return filepath.WalkDir(tree, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Type() == fs.ModeSymlink {
			err = os.Remove(p)
		}
		return err
	})
}

const (
	imageBytes   = 100 << 20
	changedBytes = imageBytes / 100
)

// image writes a file of noise, and the same with one run of it changed in place.
func image(dir string) (p pair, err error) {
	p = pair{name: "1 % of 100 MiB changed in place", from: filepath.Join(dir, "old", "image"), to: filepath.Join(dir, "new", "image")}
	data, random := make([]byte, imageBytes), rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(data) // never fails
	for _, path := range []string{p.from, p.to} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return p, err
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return p, err
		}
		_, _ = random.Read(data[imageBytes/3:][:changedBytes])
	}
	return p, nil
}
