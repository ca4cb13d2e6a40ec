package content_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sitecast/sitecast/storage/content"
)

func TestSafePathsAreAccepted(t *testing.T) {
	for _, p := range []string{
		"a", "a/b/c.txt", ".hidden", "..a", "a..b", "a b", " a", "console", "com", "com10", "com1a.txt", "lpt", "nulls", "auxiliary/x",
		"na\u00efve", "日本語/ファイル", "emoji/\U0001f600", "a?b*<c>|\"", strings.Repeat("a", 255),
		strings.Repeat("a/", 511) + "ab",
	} {
		if err := content.CheckPath(p); err != nil {
			t.Error(err)
		}
	}
}

func TestUnsafePathsAreRefusedByName(t *testing.T) {
	for reason, paths := range map[string][]string{
		"empty":       {"", "a//b", "a/"},
		"absolute":    {"/", "/etc/passwd", "//host/share"},
		"the part":    {"..", ".", "a/..", "../a", "a/../b", "a/./b"},
		"control":     {"a\x00b", "a\nb", "a\x7fb", "a\u0085b", "\x1b[0m"},
		"has a '":     {"C:", "c:/x", "a:stream", `a\b`, `\\host\share`, `..\a`},
		"device":      {"CON", "con", "a/NUL", "nul.txt", "Aux.tar.gz", "COM1", "com9.x", "LPT0", "com¹", "LPT³.txt", "CONIN$", "conout$", "clock$", "prn .txt", "PRN/x"},
		"at the end":  {"a.", "a ", "a./b", "b/c /d", "..."},
		"UTF-8":       {"a\xff", "\xc0\xaf", "\xed\xa0\x80"},
		"normal form": {"nai\u0308ve", "\u212b", "e\u0301/x"},
		"limit":       {strings.Repeat("a", 256), strings.Repeat("a/", 512) + "b"},
	} {
		for _, p := range paths {
			err := content.CheckPath(p)
			var refused *content.PathError
			if !errors.As(err, &refused) || refused.Path != p || !strings.Contains(refused.Reason, reason) {
				t.Errorf("check %q: %v, want a refusal with %q", p, err, reason)
			}
			if err := content.CheckPaths([]string{"fine", p}); !errors.As(err, &refused) {
				t.Errorf("check %q among others: %v", p, err)
			}
		}
	}
}

func TestPathsThatLieSideBySideAreAccepted(t *testing.T) {
	if err := content.CheckPaths(nil); err != nil {
		t.Error(err)
	}
	if err := content.CheckPaths([]string{"a/b", "a/c", "ab", "a b", "a-b/c", "a.b", "A2", "b/a", "b/a.x", "b/a0/c"}); err != nil {
		t.Error(err)
	}
}

func TestCollidingPathsAreRefusedByName(t *testing.T) {
	for _, paths := range [][]string{
		{"a", "a"},
		{"readme", "README"},
		{"x/\u00e9", "x/\u00c9"},
		{"stra\u00dfe", "STRASSE"},
		{"\u03c3", "\u03c2"}, // both forms of the small sigma
		{"\u2126", "\u03a9"}, // not in form C, refused in any case
		{"Dir/a", "dir/b"},
		{"a/Dir/x", "a/b", "a/dir/y"},
		{"a", "a/b"},
		{"A", "a/b"},
		{"a/b/c", "a/b", "a/b.x"},
		{"a!", "a", "a/b", "a-"},
	} {
		for range paths {
			paths = append(paths[1:], paths[0])
			var refused *content.PathError
			if err := content.CheckPaths(paths); !errors.As(err, &refused) || refused.Path == "" {
				t.Errorf("check %q: %v, want a refusal", paths, err)
			}
		}
	}
}

func FuzzCheckPath(f *testing.F) {
	for _, s := range []string{"a/b", "../x", "con.txt", "a\\b", "e\u0301", "\xff", "a./b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		err := content.CheckPath(s)
		var refused *content.PathError
		if err != nil && (!errors.As(err, &refused) || refused.Path != s) {
			t.Errorf("check %q: %v", s, err)
		}
		if err != nil {
			return
		}
		if !filepath.IsLocal(filepath.FromSlash(s)) || filepath.ToSlash(filepath.Clean(s)) != s || !utf8.ValidString(s) || len(s) > content.MaxPathBytes {
			t.Errorf("%q was accepted", s)
		}
		if err := content.CheckPaths([]string{s, s + "/x"}); err == nil && len(s) < 200 {
			t.Errorf("%q was accepted as both file and folder", s)
		}
	})
}
