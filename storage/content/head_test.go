package content_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/content"
)

var epoch = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// key makes a key from one letter.
func key(letter string) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(strings.Repeat(letter, ed25519.SeedSize)))
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

func head() content.Head {
	return content.Head{
		Name: "till-app", Version: "1.2.3", Serial: 7, Created: epoch, Expires: epoch.Add(time.Hour), Kind: content.KindTree,
		Bytes: 300, UniqueBytes: 200, Chunks: 2, Body: content.Sum(nil), BodyBytes: 500,
	}
}

func sign(t testing.TB, h content.Head, k ed25519.PrivateKey) (json.RawMessage, content.VersionID) {
	t.Helper()
	envelope, id, err := content.SignHead(h, k)
	if err != nil {
		t.Fatal(err)
	}
	return envelope, id
}

func trust(t testing.TB, publishers ...content.Publisher) *content.Trust {
	t.Helper()
	envelope, err := content.SignTrust(content.TrustDocument{Serial: 3, Created: epoch, Publishers: publishers}, key("r"))
	if err != nil {
		t.Fatal(err)
	}
	opened, err := content.OpenTrust(envelope, public(key("r")))
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

func publisher(k ed25519.PrivateKey, expires time.Time, prefixes ...string) content.Publisher {
	return content.Publisher{Key: public(k), Name: "team", Prefixes: prefixes, Expires: expires}
}

func TestHeadOfATrustedPublisherIsOpened(t *testing.T) {
	envelope, id := sign(t, head(), key("p"))
	for name, prefixes := range map[string][]string{"all": {""}, "one": {"till-"}, "another": {"kiosk-", "till-app"}} {
		got, gotID, err := trust(t, publisher(key("o"), time.Time{}, ""), publisher(key("p"), time.Time{}, prefixes...)).OpenHead(envelope, epoch)
		if err != nil || got != head() || gotID != id {
			t.Errorf("%s: %+v, %s, %v", name, got, gotID, err)
		}
	}
	if len(envelope) >= 4<<10 {
		t.Errorf("envelope of %d bytes", len(envelope))
	}
}

func TestHeadOfAnybodyElseIsUntrusted(t *testing.T) {
	envelope, _ := sign(t, head(), key("p"))
	for name, opened := range map[string]*content.Trust{
		"nobody":       trust(t),
		"another key":  trust(t, publisher(key("o"), time.Time{}, "")),
		"other prefix": trust(t, publisher(key("p"), time.Time{}, "kiosk-", "Till-")),
	} {
		if _, _, err := opened.OpenHead(envelope, epoch); !errors.Is(err, content.ErrUntrusted) {
			t.Errorf("%s: %v, want untrusted", name, err)
		}
	}
}

func TestExpiryIsJudgedByTheTimePassed(t *testing.T) {
	envelope, _ := sign(t, head(), key("p"))
	forever := trust(t, publisher(key("p"), time.Time{}, ""))
	short := trust(t, publisher(key("p"), epoch.Add(time.Minute), ""))
	for _, test := range []struct {
		trust *content.Trust
		after time.Duration
		want  error
	}{
		{forever, time.Hour - time.Second, nil},
		{forever, time.Hour, content.ErrExpired},
		{short, 59 * time.Second, nil},
		{short, time.Minute, content.ErrExpired},
	} {
		if _, _, err := test.trust.OpenHead(envelope, epoch.Add(test.after)); !errors.Is(err, test.want) {
			t.Errorf("after %s: %v, want %v", test.after, err, test.want)
		}
	}
	h := head()
	h.Expires = time.Time{}
	envelope, _ = sign(t, h, key("p"))
	if _, _, err := forever.OpenHead(envelope, epoch.AddDate(50, 0, 0)); err != nil {
		t.Errorf("a head without expiry: %v", err)
	}
}

// forge changes the payload and keeps the signature.
func forge(t *testing.T, envelope json.RawMessage, change func([]byte) []byte) json.RawMessage {
	t.Helper()
	var e map[string]any
	if err := json.Unmarshal(envelope, &e); err != nil {
		t.Fatal(err)
	}
	payload, err := base64.StdEncoding.DecodeString(e["payload"].(string))
	if err != nil {
		t.Fatal(err)
	}
	e["payload"] = base64.StdEncoding.EncodeToString(change(payload))
	out, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestChangedDocumentsAreUntrusted(t *testing.T) {
	envelope, id := sign(t, head(), key("p"))
	forged := forge(t, envelope, func(b []byte) []byte { return bytes.Replace(b, []byte(`"serial":7`), []byte(`"serial":8`), 1) })
	if _, _, err := trust(t, publisher(key("p"), time.Time{}, "")).OpenHead(forged, epoch); !errors.Is(err, content.ErrUntrusted) {
		t.Errorf("changed head: %v, want untrusted", err)
	}
	if h, forgedID, err := content.ReadHead(forged); err != nil || h.Serial != 8 || forgedID == id {
		t.Errorf("reading without trust: %+v, %s, %v", h, forgedID, err)
	}
	document, err := content.SignTrust(content.TrustDocument{Serial: 3, Created: epoch}, key("r"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := content.OpenTrust(document, public(key("o"))); !errors.Is(err, content.ErrUntrusted) {
		t.Errorf("other root: %v, want untrusted", err)
	}
	if _, err := content.OpenTrust(document, nil); !errors.Is(err, content.ErrUntrusted) {
		t.Errorf("no root: %v, want untrusted", err)
	}
	forged = forge(t, document, func(b []byte) []byte { return bytes.Replace(b, []byte(`"serial":3`), []byte(`"serial":4`), 1) })
	if _, err := content.OpenTrust(forged, public(key("r"))); !errors.Is(err, content.ErrUntrusted) {
		t.Errorf("changed trust document: %v, want untrusted", err)
	}
	// A head is no trust document, even when the root signed it.
	envelope, _ = sign(t, head(), key("r"))
	if _, err := content.OpenTrust(envelope, public(key("r"))); err == nil {
		t.Error("a head was opened as a trust document")
	}
}

func TestHeadOutOfBoundsIsNeitherSignedNorRead(t *testing.T) {
	for name, change := range map[string]func(*content.Head){
		"name":             func(h *content.Head) { h.Name = "../x" },
		"version":          func(h *content.Head) { h.Version = "" },
		"no serial":        func(h *content.Head) { h.Serial = 0 },
		"large serial":     func(h *content.Head) { h.Serial = content.MaxSerial + 1 },
		"no creation":      func(h *content.Head) { h.Created = time.Time{} },
		"expiry":           func(h *content.Head) { h.Expires = h.Created },
		"kind":             func(h *content.Head) { h.Kind = "disk" },
		"negative bytes":   func(h *content.Head) { h.Bytes = -1 },
		"fewer bytes":      func(h *content.Head) { h.Bytes = h.UniqueBytes - 1 },
		"bytes of nothing": func(h *content.Head) { h.UniqueBytes, h.Chunks = 0, 0 },
		"large chunks":     func(h *content.Head) { h.UniqueBytes = 2*content.MaxChunkBytes + 1; h.Bytes = h.UniqueBytes },
		"many chunks":      func(h *content.Head) { h.Chunks = content.MaxChunks + 1 },
		"small body":       func(h *content.Head) { h.BodyBytes = 80 },
		"large body":       func(h *content.Head) { h.BodyBytes = content.MaxBodyBytes + 1 },
	} {
		h := head()
		change(&h)
		if _, _, err := content.SignHead(h, key("p")); err == nil {
			t.Errorf("%s: signed", name)
		}
		envelope, _ := sign(t, head(), key("p"))
		forged := forge(t, envelope, func([]byte) []byte {
			out, err := json.Marshal(h)
			if err != nil {
				t.Fatal(err)
			}
			return out
		})
		if _, _, err := content.ReadHead(forged); err == nil {
			t.Errorf("%s: read", name)
		}
	}
	if _, _, err := content.SignHead(head(), nil); err == nil {
		t.Error("signed without a key")
	}
}

func TestLargeEnvelopesAreRefused(t *testing.T) {
	envelope, _ := sign(t, head(), key("p"))
	long := forge(t, envelope, func(b []byte) []byte { return append(b, bytes.Repeat([]byte(" "), 4<<10)...) })
	if _, _, err := content.ReadHead(long); err == nil {
		t.Error("a payload over 4 KiB was read")
	}
	if _, _, err := content.ReadHead(append(bytes.Repeat([]byte(" "), 64<<10), envelope...)); err == nil {
		t.Error("an envelope of 64 KiB was read")
	}
	var e map[string]any
	if err := json.Unmarshal(envelope, &e); err != nil {
		t.Fatal(err)
	}
	one := e["signatures"].([]any)[0]
	e["signatures"] = []any{one, one, one, one, one, one, one, one, one}
	many, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := content.ReadHead(many); err == nil {
		t.Error("an envelope with nine signatures was read")
	}
}

func TestTrustDocumentOutOfBoundsIsNotSigned(t *testing.T) {
	good := publisher(key("p"), time.Time{}, "")
	for name, change := range map[string]func(*content.TrustDocument){
		"no serial":     func(d *content.TrustDocument) { d.Serial = 0 },
		"no creation":   func(d *content.TrustDocument) { d.Created = time.Time{} },
		"key twice":     func(d *content.TrustDocument) { d.Publishers = append(d.Publishers, good) },
		"short key":     func(d *content.TrustDocument) { d.Publishers[0].Key = d.Publishers[0].Key[:31] },
		"no name":       func(d *content.TrustDocument) { d.Publishers[0].Name = "" },
		"no prefix":     func(d *content.TrustDocument) { d.Publishers[0].Prefixes = nil },
		"long prefix":   func(d *content.TrustDocument) { d.Publishers[0].Prefixes = []string{strings.Repeat("x", 101)} },
		"many prefixes": func(d *content.TrustDocument) { d.Publishers[0].Prefixes = make([]string, content.MaxPrefixes+1) },
		"many publishers": func(d *content.TrustDocument) {
			d.Publishers = make([]content.Publisher, content.MaxPublishers+1)
		},
	} {
		d := content.TrustDocument{Serial: 1, Created: epoch, Publishers: []content.Publisher{good}}
		change(&d)
		if _, err := content.SignTrust(d, key("r")); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
}

func TestTrustHandsOutCopies(t *testing.T) {
	opened := trust(t, publisher(key("p"), time.Time{}, "till-"))
	d := opened.Document()
	d.Publishers[0].Prefixes[0] = ""
	d.Publishers[0].Key[0]++
	if again := opened.Document(); again.Publishers[0].Prefixes[0] != "till-" || !again.Publishers[0].Key.Equal(public(key("p"))) {
		t.Error("a change to a copy reached the trust itself")
	}
	if opened.Serial() != 3 {
		t.Errorf("serial %d, want 3", opened.Serial())
	}
}

func FuzzReadHead(f *testing.F) {
	envelope, _ := sign(f, head(), key("p"))
	f.Add([]byte(envelope))
	f.Add([]byte(`{"payloadType":"application/vnd.sitecast.head+json","payload":"bnVsbA==","signatures":[{"keyid":"","sig":"AA=="}]}`))
	opened := trust(f, publisher(key("p"), time.Time{}, ""))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, id, err := content.ReadHead(b)
		if err == nil && (h.Check() != nil || id == content.VersionID{}) {
			t.Errorf("read %+v as %s", h, id)
		}
		trusted, trustedID, err := opened.OpenHead(b, epoch)
		if err == nil && (trusted != head() || trustedID != id) {
			t.Errorf("opened %+v, which nobody signed", trusted)
		}
	})
}

func FuzzOpenTrust(f *testing.F) {
	document := content.TrustDocument{Serial: 3, Created: epoch, Publishers: []content.Publisher{publisher(key("p"), epoch, "a", "b")}}
	envelope, err := content.SignTrust(document, key("r"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(envelope))
	f.Add([]byte(`{"payloadType":"application/vnd.sitecast.trust+json","payload":"e30=","signatures":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		opened, err := content.OpenTrust(b, public(key("r")))
		if err == nil && opened.Serial() != document.Serial {
			t.Errorf("opened a document of serial %d, which nobody signed", opened.Serial())
		}
	})
}
