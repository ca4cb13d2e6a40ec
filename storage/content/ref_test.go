package content_test

import (
	"strings"
	"testing"

	"github.com/sitecast/sitecast/storage/content"
)

func TestRefsAreReadBackAsWritten(t *testing.T) {
	for _, s := range []string{"app@1", "till.app_2-x@1.2.3-rc.1+build.5", "0@0", "console@v1", strings.Repeat("n", 100) + "@" + strings.Repeat("v", 100)} {
		ref, err := content.ParseRef(s)
		if err != nil || ref.String() != s {
			t.Errorf("parse %q: %q, %v", s, ref, err)
		}
	}
}

func TestBadRefsAreRefused(t *testing.T) {
	for _, s := range []string{
		"", "@", "app", "app@", "@1", "app@1@2", ".app@1", "-app@1", "app.@1", "app@1.", "a/b@1", "a b@1", "a+b@1",
		"app@../1", "ä@1", "nul@1", "app@NUL", "com1.x@1", "app\x00@1", strings.Repeat("n", 101) + "@1", "app@" + strings.Repeat("1", 101),
	} {
		if ref, err := content.ParseRef(s); err == nil {
			t.Errorf("%q was read as %+v", s, ref)
		}
	}
}

func FuzzParseRef(f *testing.F) {
	f.Add("app@1.2.3+4")
	f.Add("con@1")
	f.Add("a@b@c")
	f.Fuzz(func(t *testing.T, s string) {
		ref, err := content.ParseRef(s)
		if err != nil {
			return
		}
		if ref.String() != s {
			t.Errorf("%q was read as %q", s, ref)
		}
		// Names become folders, so what is a name has to be a safe path.
		if err := content.CheckPaths([]string{ref.Name + "/" + ref.Version}); err != nil {
			t.Errorf("%q makes no path: %v", s, err)
		}
	})
}
