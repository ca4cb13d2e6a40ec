package archtest

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// project is the whole repository, as seen from this package.
const project = "../.."

func TestProjectKeepsItsArchitecture(t *testing.T) {
	files, err := load(os.DirFS(project))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 100 {
		t.Fatalf("found %d files: this is not the project", len(files))
	}
	for _, f := range files {
		for _, check := range []func(file) []string{layers, strangers, sizes} {
			for _, wrong := range check(f) {
				t.Error(wrong)
			}
		}
	}
	for _, wrong := range names(files) {
		t.Error(wrong)
	}
}

// goroutines finds files that start goroutines.
var goroutines = regexp.MustCompile(`(?m)^\s*go func|\.Go\(func|^\s*go [a-z]`)

func TestPackagesWithGoroutinesAreCheckedForLeaks(t *testing.T) {
	files, err := load(os.DirFS(project))
	if err != nil {
		t.Fatal(err)
	}
	starts, checked := map[string]bool{}, map[string]bool{}
	for _, f := range files {
		dir := f.path[:max(strings.LastIndex(f.path, "/"), 0)]
		text, err := os.ReadFile(project + "/" + f.path)
		if err != nil {
			t.Fatal(err)
		}
		if !f.test() && f.ast.Name.Name != "main" && goroutines.Match(text) {
			starts[dir] = true
		}
		if f.test() && slices.Contains(f.imports, "go.uber.org/goleak") {
			checked[dir] = true
		}
	}
	for dir := range starts {
		if !checked[dir] && !strings.HasSuffix(dir, "test") { // a suite runs in its users' tests
			t.Errorf("%s starts goroutines, but no test of it uses goleak", dir)
		}
	}
}

func TestTopLevelIsTheAgreedOne(t *testing.T) {
	out, err := exec.Command("git", "-C", project, "ls-tree", "--name-only", "HEAD").Output()
	if err != nil {
		t.Skipf("no git checkout: %v", err)
	}
	agreed := regexp.MustCompile(`^(\..*|signaling|edge|web|kiosk|storage|e2e|go\.mod|go\.sum|Dockerfile|[A-Z]+\.md|LICENSE|Makefile|main\.go)$`)
	for name := range strings.Lines(string(out)) {
		if name = strings.TrimSpace(name); !agreed.MatchString(name) {
			t.Errorf("%s is not on the agreed top level", name)
		}
	}
}

func TestChecksFindWhatTheyLookFor(t *testing.T) {
	long := "package site\n\nfunc f() {\n" + strings.Repeat("\tprintln()\n", maxFunctionLines) + "}\n" + strings.Repeat("\n", maxFileLines)
	for name, c := range map[string]struct {
		path, text string
		check      func(file) []string
	}{
		"storage imports signaling": {"storage/content/x.go", `package content; import _ "github.com/sitecast/sitecast/signaling/wire"`, layers},
		"edge imports the server":   {"edge/engine/x.go", `package engine; import _ "github.com/sitecast/sitecast/signaling/site"`, layers},
		"unknown folder":            {"tools/x.go", `package tools`, layers},
		"a code file uses memnet":   {"edge/engine/x.go", `package engine; import _ "github.com/sitecast/sitecast/e2e/lab/memnet"`, layers},
		"pion outside its home":     {"edge/engine/x.go", `package engine; import _ "github.com/pion/webrtc/v4"`, strangers},
		"unknown module":            {"edge/engine/x.go", `package engine; import _ "example.com/new"`, strangers},
		"test module in code":       {"edge/engine/x.go", `package engine; import _ "pgregory.net/rapid"`, strangers},
		"long":                      {"signaling/site/x.go", long, sizes},
	} {
		t.Run(name, func(t *testing.T) {
			files, err := load(fstest.MapFS{c.path: {Data: []byte(c.text)}})
			if err != nil || len(files) != 1 {
				t.Fatalf("load: %d files, %v", len(files), err)
			}
			if got := c.check(files[0]); len(got) == 0 {
				t.Error("not found")
			}
		})
	}
	files, err := load(fstest.MapFS{"edge/util/x.go": {Data: []byte("package util")}})
	if err != nil || len(names(files)) != 2 {
		t.Errorf("package util without a comment: %v, %v, want two complaints", names(files), err)
	}
}
