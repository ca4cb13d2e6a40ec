package serve_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/kiosk/serve"
)

// Whatever is asked for, it is a file of the version or nothing.
func FuzzPath(f *testing.F) {
	for _, path := range []string{"/", "/index.html", "/a/b.js", "/a/", "/a", "/../x", "/a/../../x", "//x", "/%2e%2e/x", `/a\..\x`, "/a:b", "", "x", "/\x00", "/a/.", "/CON", "/aux.js"} {
		f.Add(path)
	}
	ours := version(f, "1", map[string]string{"index.html": "ours", "a/b.js": "ours", "a/index.html": "ours"})
	if err := os.WriteFile(filepath.Join(ours.Root, "..", "x"), []byte("theirs"), 0o600); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string) {
		name, folder, ok := serve.PlaceOf(path)
		if ok && (!fs.ValidPath(name) || strings.Contains(name, `\`)) {
			t.Errorf("%q is taken for %q", path, name)
		}
		if ok && folder && name != "." && "/"+name+"/" != path || ok && !folder && "/"+name != path {
			t.Errorf("%q became %q (folder: %v)", path, name, folder)
		}
		for _, visits := range []bool{true, false} {
			file, to, err := serve.Find(ours, path, visits)
			if err != nil || file == nil {
				if visits && err != nil {
					t.Errorf("%q: who visits got no page: %v", path, err)
				}
				if strings.Contains(to, "//") || to != "" && !strings.HasPrefix(to, "./") {
					t.Errorf("%q leads to %q", path, to)
				}
				continue
			}
			text, err := io.ReadAll(file)
			if err := errors.Join(err, file.Close()); err != nil || string(text) != "ours" {
				t.Errorf("%q: read %q, %v", path, text, err)
			}
		}
	})
}
