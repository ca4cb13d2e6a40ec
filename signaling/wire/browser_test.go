package wire_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/signaling/wire"
)

func TestOriginsAreWrittenAsBrowsersDo(t *testing.T) {
	for text, want := range map[string]string{
		"https://shop.example":          "https://shop.example",
		"https://shop.example/":         "https://shop.example",
		"HTTPS://Shop.Example:8443":     "https://shop.example:8443",
		"https://shop.example:443":      "https://shop.example",
		"http://127.0.0.1:80":           "http://127.0.0.1",
		"http://127.0.0.1:8080":         "http://127.0.0.1:8080",
		"https://[2001:DB8:0:0::1]":     "https://[2001:db8::1]",
		"https://[::1]:8443":            "https://[::1]:8443",
		"https://xn--bcher-kva.example": "https://xn--bcher-kva.example",
	} {
		got, err := wire.ParseOrigin(text)
		if err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", text, got, err, want)
		}
		if again, err := wire.ParseOrigin(got); err != nil || again != got {
			t.Errorf("%s is %q (%v) the second time", got, again, err)
		}
	}
	for _, text := range []string{"", "null", "shop.example", "shop.example:8443", "ftp://shop.example", "https://", "https://:8443", "https:shop.example",
		"https://shop.example/page", "https://shop.example?x", "https://shop.example#x", "https://user@shop.example", "https://bücher.example",
		"https://shop example", "https://*.example", "https://shop.example\r\nX: y", "https://a:b", "https://" + strings.Repeat("a", 300)} {
		if got, err := wire.ParseOrigin(text); err == nil {
			t.Errorf("%.60q is an origin: %q", text, got)
		}
	}
}

func TestNamedContentsAreChecked(t *testing.T) {
	if err := wire.CheckNamed([]wire.Named{{Name: "app"}, {Name: "app", Version: "1.0+a"}}); err != nil {
		t.Error(err)
	}
	for what, contents := range map[string][]wire.Named{
		"none":         nil,
		"no name":      {{Version: "1"}},
		"a bad name":   {{Name: "../app"}},
		"a bad number": {{Name: "app", Version: "1@2"}},
	} {
		if err := wire.CheckNamed(contents); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	refused := new(wire.RefusedError)
	if err := wire.CheckNamed(slices.Repeat([]wire.Named{{Name: "app"}}, wire.MaxNamed+1)); !errors.As(err, &refused) || refused.Code != wire.CodeTooLarge {
		t.Errorf("one more than the limit: %v, want %s", err, wire.CodeTooLarge)
	}
}
