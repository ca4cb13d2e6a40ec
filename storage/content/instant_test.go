package content_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/content"
)

func instant() content.Instant {
	return content.Instant{Name: "till-app", ID: content.VersionID{7}, At: epoch.Add(48 * time.Hour), Serial: 3}
}

func signInstant(t testing.TB, i content.Instant, k ed25519.PrivateKey) json.RawMessage {
	t.Helper()
	envelope, err := content.SignInstant(i, k)
	if err != nil {
		t.Fatal(err)
	}
	if len(envelope) > content.MaxInstantEnvelopeBytes {
		t.Errorf("an instant takes %d bytes", len(envelope))
	}
	return envelope
}

func TestInstantCountsThatAPublisherOfTheNameSigned(t *testing.T) {
	envelope := signInstant(t, instant(), key("p"))
	for name, c := range map[string]struct {
		trust *content.Trust
		want  error
	}{
		"a publisher of all":         {trust(t, publisher(key("p"), time.Time{}, "")), nil},
		"a publisher of the name":    {trust(t, publisher(key("p"), time.Time{}, "till-")), nil},
		"a publisher of other names": {trust(t, publisher(key("p"), time.Time{}, "video-")), content.ErrUntrusted},
		"another key":                {trust(t, publisher(key("q"), time.Time{}, "")), content.ErrUntrusted},
		"a key that has ended":       {trust(t, publisher(key("p"), epoch, "")), content.ErrExpired},
	} {
		got, err := c.trust.OpenInstant(envelope, epoch)
		if !errors.Is(err, c.want) || c.want == nil && got != instant() {
			t.Errorf("%s: %+v, %v; want %v", name, got, err, c.want)
		}
	}
	if _, err := trust(t, publisher(key("p"), epoch, "")).OpenInstant(envelope, time.Time{}); err != nil {
		t.Errorf("whenever its key ended: %v", err)
	}
}

func TestInstantThatMeansNothingIsRefused(t *testing.T) {
	for want, bend := range map[string]func(*content.Instant){
		"name":          func(i *content.Instant) { i.Name = "../x" },
		"no version":    func(i *content.Instant) { i.ID = content.VersionID{} },
		"no time":       func(i *content.Instant) { i.At = time.Time{} },
		"serial 0":      func(i *content.Instant) { i.Serial = 0 },
		"serial 900719": func(i *content.Instant) { i.Serial = content.MaxSerial + 1 },
	} {
		i := instant()
		bend(&i)
		if _, err := content.SignInstant(i, key("p")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	head, _ := sign(t, head(), key("p"))
	if _, err := content.ReadInstant(head); err == nil || !strings.Contains(err.Error(), "envelope of a") {
		t.Errorf("a head passes as an instant: %v", err)
	}
}

func FuzzReadInstant(f *testing.F) {
	f.Add([]byte(signInstant(f, instant(), key("p"))))
	payload := base64.StdEncoding.EncodeToString([]byte(`{"name":"a","id":"00","at":"x","serial":-1}`))
	f.Add([]byte(`{"payloadType":"application/vnd.sitecast.instant+json","payload":"` + payload + `","signatures":[]}`))
	trusted := trust(f, publisher(key("p"), time.Time{}, ""))
	f.Fuzz(func(t *testing.T, envelope []byte) {
		i, err := content.ReadInstant(envelope)
		if err == nil && i.Check() != nil {
			t.Errorf("%+v was read", i)
		}
		if _, err := trusted.OpenInstant(envelope, epoch); err == nil {
			if _, err := content.SignInstant(i, key("p")); err != nil {
				t.Errorf("what was opened can't be signed: %v", err)
			}
		}
	})
}
