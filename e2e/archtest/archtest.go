// Package archtest holds the project's architecture as a test: which folder may
// import which, where each third-party module is at home, and how long files and
// functions may grow. It reads source files and no build output, so it sees every
// operating system's.
package archtest

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

const module = "github.com/sitecast/sitecast"

// Limits on what a reader has to hold in the head.
const (
	maxFileLines     = 500
	maxFunctionLines = 70
)

// mayImport says which of our top folders each may import, besides itself.
// "edge" may use two small packages of signaling.
var mayImport = map[string][]string{
	"storage":   {},
	"web":       {},
	"signaling": {"storage", "web"},
	"edge":      {"storage", "signaling/wire", "signaling/units"},
	"kiosk":     {"edge", "storage"},
	"e2e":       {"storage", "web", "signaling", "edge", "kiosk"},
	"main.go":   {"storage", "web", "signaling", "edge", "kiosk", "e2e"},
}

// testsMayImport are packages that any test may use.
var testsMayImport = []string{"e2e/lab/memnet", "signaling/tunnel", "signaling/schedule"}

// homes says where each third-party module may be imported. Modules that are only
// for tests are at home in every test.
var homes = map[string][]string{
	"github.com/pion/webrtc":                            {"edge/rtc", "e2e/bench/tab"},
	"github.com/pion/ice":                               {"edge/rtc"},
	"github.com/pion/datachannel":                       {"edge/rtc"},
	"github.com/pion/interceptor":                       {"edge/rtc"},
	"github.com/pion/turn":                              {"signaling/relay", "e2e/bench/relay"},
	"github.com/pion/stun":                              {"signaling/relay", "edge/governor", "edge/rtc", "edge/doctor"},
	"github.com/pion/transport":                         {"edge/rtc", "edge/agent", "edge/doctor", "signaling/relay", "signaling/server", "e2e/lab", "e2e/story", "e2e/bench/pair", "e2e/bench/control"},
	"github.com/pion/logging":                           {"edge/rtc", "edge/doctor", "signaling/relay", "signaling/server", "e2e/lab", "e2e/bench/relay", "e2e/bench/tab"},
	"github.com/gorilla/websocket":                      {"signaling/socket", "edge/uplink"},
	"github.com/go-chi/chi":                             {"signaling/api"},
	"github.com/danielgtaylor/huma":                     {"signaling/api"},
	"github.com/golang-jwt/jwt":                         {"signaling/credential"},
	"github.com/jackc/pgx":                              {"storage/catalog/postgres"},
	"modernc.org/sqlite":                                {"storage/catalog/sqlite"},
	"github.com/minio/minio-go":                         {"storage/blob/s3"},
	"github.com/rclone/gofakes3":                        {},
	"github.com/pressly/goose":                          {"storage/catalog/relational"},
	"github.com/klauspost/compress":                     {"storage/pack", "storage/unpack", "signaling/history"},
	"github.com/mikelolasagasti/xz":                     {"storage/unpack"},
	"github.com/PlakarKorp/go-cdc-chunkers":             {"storage/content"},
	"github.com/secure-systems-lab/go-securesystemslib": {"storage/content"},
	"github.com/alecthomas/kong":                        {"main.go"},
	"github.com/vbauerster/mpb":                         {"signaling/operator", "edge/agent"},
	"github.com/prometheus/client_golang":               {"signaling/server", "edge/agent"},
	"github.com/godbus/dbus":                            {"edge/host", "e2e/story"},
	"github.com/kardianos/service":                      {"edge/service"},
	"github.com/coreos/go-oidc":                         {"signaling/oidc"},
	"github.com/oauth2-proxy/mockoidc":                  {},
	"golang.org/x/oauth2":                               {"signaling/oidc"},
	"golang.org/x/crypto":                               {"signaling/credential"},
	"golang.org/x/term":                                 {"signaling/operator", "edge/agent"},
	"golang.org/x/text":                                 {"storage/content"},
	"golang.org/x/time":                                 {"edge/origin", "edge/polite", "signaling/api", "signaling/socket", "signaling/pace", "signaling/relay"},
	"golang.org/x/sync":                                 {"edge", "signaling", "storage", "kiosk", "e2e"},
	"golang.org/x/sys":                                  {"storage/chunk/disk", "storage/ingest", "edge/host", "edge/clock", "signaling/pace", "edge/origin", "signaling/wire/stamp", "e2e"},
	"golang.org/x/net":                                  {"signaling/relay", "edge/proxy"},
	"go.uber.org/goleak":                                {},
	"pgregory.net/rapid":                                {},
}

// testModules are at home in every test.
var testModules = []string{"go.uber.org/goleak", "pgregory.net/rapid", "golang.org/x/net", "github.com/rclone/gofakes3", "github.com/oauth2-proxy/mockoidc"}

// vagueNames say nothing about what a package is.
var vagueNames = []string{"util", "utils", "common", "helpers", "types", "pkg", "misc", "shared", "base", "lib"}

// file is one Go source file of the project.
type file struct {
	path    string
	lines   int
	imports []string
	ast     *ast.File
	set     *token.FileSet
}

func (f file) test() bool { return strings.HasSuffix(f.path, "_test.go") }

// top is the file's folder at the top level, or main.go.
func (f file) top() string { return topOf(f.path) }

func topOf(p string) string {
	top, _, _ := strings.Cut(p, "/")
	return top
}

// load reads every Go file under root. Hidden folders and test data are left out.
func load(root fs.FS) ([]file, error) {
	var files []file
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && p != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" || name == "bin") {
			return fs.SkipDir
		}
		if d.IsDir() || path.Ext(p) != ".go" {
			return nil
		}
		text, err := fs.ReadFile(root, p)
		if err != nil {
			return err
		}
		f := file{path: p, lines: strings.Count(string(text), "\n"), set: token.NewFileSet()}
		if f.ast, err = parser.ParseFile(f.set, p, text, parser.SkipObjectResolution|parser.ParseComments); err != nil {
			return err
		}
		for _, spec := range f.ast.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, name)
		}
		files = append(files, f)
		return nil
	})
	return files, err
}

// layers lists imports that cross the layers the wrong way.
func layers(f file) (wrong []string) {
	allowed, known := mayImport[f.top()]
	if !known {
		return []string{fmt.Sprintf("%s: %s is no folder of the architecture", f.path, f.top())}
	}
	for _, name := range f.imports {
		ours, ok := strings.CutPrefix(name, module+"/")
		if !ok || topOf(ours) == f.top() || f.test() && slices.Contains(testsMayImport, ours) {
			continue
		}
		if !slices.ContainsFunc(allowed, func(a string) bool { return within(ours, a) }) {
			wrong = append(wrong, fmt.Sprintf("%s imports %s: %s may import %v", f.path, ours, f.top(), allowed))
		}
	}
	return wrong
}

// within reports whether a path is a folder or lies in it.
func within(p, folder string) bool { return p == folder || strings.HasPrefix(p, folder+"/") }

// strangers lists third-party imports away from their homes.
func strangers(f file) (wrong []string) {
	for _, name := range f.imports {
		if !strings.Contains(topOf(name), ".") || within(name, module) {
			continue // the standard library, or ours
		}
		mod := longestPrefix(name)
		switch where, known := homes[mod]; {
		case !known:
			wrong = append(wrong, fmt.Sprintf("%s imports %s, which has no home yet: give it one in archtest", f.path, name))
		case f.test() && slices.Contains(testModules, mod):
		case !slices.ContainsFunc(where, func(h string) bool { return within(f.path, h) }):
			wrong = append(wrong, fmt.Sprintf("%s imports %s, which is at home in %v", f.path, name, where))
		}
	}
	return wrong
}

// longestPrefix returns the module of homes that an import belongs to.
func longestPrefix(name string) string {
	best := ""
	for mod := range homes {
		if within(name, mod) && len(mod) > len(best) {
			best = mod
		}
	}
	return best
}

// sizes lists files and functions that have grown too long. Tests may have long
// files: each test is read by itself.
func sizes(f file) (wrong []string) {
	if f.lines > maxFileLines && !f.test() {
		wrong = append(wrong, fmt.Sprintf("%s has %d lines, limit %d", f.path, f.lines, maxFileLines))
	}
	for _, d := range f.ast.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || f.test() {
			continue
		}
		if n := f.set.Position(fn.End()).Line - f.set.Position(fn.Pos()).Line; n > maxFunctionLines {
			wrong = append(wrong, fmt.Sprintf("%s: %s has %d lines, limit %d", f.path, fn.Name.Name, n, maxFunctionLines))
		}
	}
	return wrong
}

// names lists packages whose names say nothing, and packages without a word of
// what they are for.
func names(files []file) (wrong []string) {
	documented := map[string]bool{}
	for _, f := range files {
		dir := path.Dir(f.path)
		if f.test() {
			continue
		}
		documented[dir] = documented[dir] || f.ast.Doc != nil
		if slices.Contains(vagueNames, f.ast.Name.Name) {
			wrong = append(wrong, fmt.Sprintf("%s: a package called %s says nothing", f.path, f.ast.Name.Name))
		}
	}
	for dir, ok := range documented {
		if !ok {
			wrong = append(wrong, dir+" has no package comment")
		}
	}
	slices.SortFunc(wrong, cmp.Compare)
	return wrong
}
