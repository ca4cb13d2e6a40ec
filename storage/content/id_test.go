package content_test

import (
	"strings"
	"testing"

	"github.com/sitecast/sitecast/storage/content"
)

// FuzzParseDigest holds that a digest has one form.
func FuzzParseDigest(f *testing.F) {
	f.Add(content.Sum(nil).String())
	f.Add(strings.Repeat("AB", 32))
	f.Add("../" + strings.Repeat("a", 61))
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := content.ParseDigest(text); err == nil && !strings.EqualFold(d.String(), text) {
			t.Errorf("%q is read as %s", text, d)
		}
		var v content.VersionID
		if err := v.UnmarshalText([]byte(text)); err == nil && !strings.EqualFold(v.String(), text) {
			t.Errorf("%q is read as %s", text, v)
		}
	})
}
