package serve

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/sitecast/sitecast/storage/content"
)

// indexName is the page of a folder.
const indexName = "index.html"

// placeOf says which file of a tree a request's path names, and whether as a folder. Not
// ok is what no published file or folder is called, so nothing is looked for.
func placeOf(urlPath string) (name string, folder, ok bool) {
	name, rooted := strings.CutPrefix(urlPath, "/")
	if !rooted {
		return "", false, false
	}
	if name == "" {
		return ".", true, true
	}
	name, folder = strings.CutSuffix(name, "/")
	return name, folder, content.CheckPath(name) == nil
}

// visits reports whether somebody goes to a page, and not a page for what it is made of.
func visits(r *http.Request) bool {
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" && mode != "navigate" {
		return false
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// errNoFile says that the version has nothing under a path. It is an answer and no fault.
var errNoFile = errors.New("the version has no such file")

// tree is a version on the disk. Links in it lead nowhere outside.
type tree struct {
	root *os.Root
	only string // where the version is a single file, its name
}

func openTree(root string) (*tree, error) {
	info, err := os.Stat(root)
	if err != nil {
		return nil, err
	}
	t := &tree{}
	if !info.IsDir() {
		root, t.only = filepath.Dir(root), filepath.Base(root)
	}
	t.root, err = os.OpenRoot(root)
	return t, err
}

// file is an open file of a version.
type file struct {
	*os.File
	name string
	size int64
}

// tag tells the file from what other versions have under the same address.
func (f *file) tag(v Version) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %d", v.Name, v.Version, f.name, f.size))
	return hex.EncodeToString(sum[:16])
}

// find opens the file that a path asks for, or says where the path should lead instead.
// Who visits a path without a file gets the version's first page, as programs need it
// that have all their pages in one. The caller closes the file; the version may be
// removed meanwhile.
func find(v Version, urlPath string, visits bool) (f *file, elsewhere string, err error) {
	t, err := openTree(v.Root)
	if err != nil {
		return nil, "", err
	}
	defer t.root.Close() // a file of it stays open
	name, folder, ok := placeOf(urlPath)
	switch {
	case !ok:
		err = errNoFile
	case name == ".":
		f, err = t.first()
	case folder:
		f, err = t.open(path.Join(name, indexName))
	case t.has(path.Join(name, indexName)):
		// Without the slash the page's relative links would lead elsewhere.
		return nil, "./" + url.PathEscape(path.Base(name)) + "/", nil
	default:
		f, err = t.open(name)
	}
	if errors.Is(err, errNoFile) && visits {
		f, err = t.first()
	}
	return f, "", err
}

// first opens the version's first page: its index, or the only file there is.
func (t *tree) first() (*file, error) {
	if t.only != "" {
		return t.open(t.only)
	}
	if !t.has(indexName) {
		all, err := fs.ReadDir(t.root.FS(), ".")
		if err == nil && len(all) == 1 {
			return t.open(all[0].Name())
		}
	}
	return t.open(indexName)
}

// has reports whether a name is a file that may be served. What is no file, such as a
// named pipe, could keep who opens it for ever.
func (t *tree) has(name string) bool {
	info, err := t.root.Stat(name)
	return err == nil && info.Mode().IsRegular() && (t.only == "" || t.only == name)
}

func (t *tree) open(name string) (*file, error) {
	if !t.has(name) {
		return nil, errNoFile
	}
	f, err := t.root.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &file{f, name, info.Size()}, nil
}
