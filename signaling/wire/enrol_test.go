package wire_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/signaling/wire"
)

func TestEnrolTokenIsReadBack(t *testing.T) {
	want := wire.EnrolToken{ID: "abc", Secret: bytes.Repeat([]byte{7}, 32), Root: bytes.Repeat([]byte{9}, 32), Pin: strings.Repeat("ab", 32)}
	got, err := wire.ParseEnrolToken(" " + want.String() + "\n")
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, %v; want %+v", got, err, want)
	}
	for _, bad := range []string{"", "sce1.", "sce2." + want.String()[5:], want.String()[:40], want.String() + strings.Repeat("A", 1024)} {
		if _, err := wire.ParseEnrolToken(bad); err == nil {
			t.Errorf("%.40q is taken for a token", bad)
		}
	}
}

// FuzzParseEnrolToken holds that what is taken for a token has all its parts, and
// is the same when it is written and read again.
func FuzzParseEnrolToken(f *testing.F) {
	f.Add(wire.EnrolToken{ID: "abc", Secret: make([]byte, 32), Root: make([]byte, 32)}.String())
	f.Add("sce1.e30")
	f.Add("sce1.!")
	f.Fuzz(func(t *testing.T, text string) {
		token, err := wire.ParseEnrolToken(text)
		if err != nil {
			return
		}
		if token.ID == "" || len(token.Secret) < 16 || len(token.Root) != 32 {
			t.Errorf("token %+v lacks a part", token)
		}
		again, err := wire.ParseEnrolToken(token.String())
		if err != nil || !reflect.DeepEqual(again, token) {
			t.Errorf("written and read again: %+v, %v; want %+v", again, err, token)
		}
	})
}
