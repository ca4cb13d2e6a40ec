package catalogtest

import (
	"io/fs"
	"path"
	"strings"
	"testing"
)

// lastUndeclared is the last migration from before they said what they are.
const lastUndeclared = "0021"

// Migrations checks that each migration says in its first line whether an older release goes
// on with the schema that it makes, as CONTRIBUTING.md tells.
func Migrations(t *testing.T, files fs.FS) {
	t.Helper()
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("got migrations %q (%v)", names, err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(string(text), "\n")
		expands, contracts := strings.HasPrefix(first, "-- expand: "), strings.HasPrefix(first, "-- contract: ")
		if number := path.Base(name)[:4]; number > lastUndeclared && !expands && !contracts {
			t.Errorf("%s begins with %q, want a line such as\n-- expand: no statement of the release before names the table\n-- contract: the release before writes the column", name, first)
		}
		if upper := strings.ToUpper(upPart(string(text))); expands && (strings.Contains(upper, "DROP ") || strings.Contains(upper, "RENAME ")) {
			t.Errorf("%s says that it only adds, and drops or renames something", name)
		}
	}
}

// upPart is what a migration does.
func upPart(text string) string {
	up, _, _ := strings.Cut(text, "-- +goose Down")
	return up
}
