package content_test

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/content"
)

var (
	then   = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	rootOf = keyOf(99)
)

// pub is the public half of a key.
func pub(n byte) ed25519.PublicKey { return publicOf(keyOf(n)) }

// trusting signs a document and opens it again.
func trusting(t *testing.T, doc content.TrustDocument) *content.Trust {
	t.Helper()
	signed, err := content.SignTrust(doc, rootOf)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := content.OpenTrust(signed, rootOf.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	return trust
}

// headBy is a head of till@1 that a key signed.
func headBy(t *testing.T, n byte) []byte {
	t.Helper()
	signed, _, err := content.SignHead(content.Head{Name: "till", Version: "1", Serial: 1, Created: then, Kind: content.KindTree,
		BodyBytes: 1000}, keyOf(n))
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func TestPublisherIsAddedRotatedAndRevoked(t *testing.T) {
	doc := content.TrustDocument{Serial: 1, Created: then}
	doc, err := doc.With(content.Publisher{Key: pub(1), Name: "ana", Prefixes: []string{"till"}}, then)
	if err != nil || doc.Serial != 2 {
		t.Fatalf("serial %d, %v", doc.Serial, err)
	}
	doc, err = doc.Rotated(content.KeyID(pub(1)), pub(2), time.Time{}, then.Add(time.Hour), then)
	if err != nil {
		t.Fatal(err)
	}
	trust := trusting(t, doc)
	for _, c := range []struct {
		key   byte
		after time.Duration
		want  error
	}{{1, 59 * time.Minute, nil}, {2, 0, nil}, {1, time.Hour, content.ErrExpired}, {2, 1000 * time.Hour, nil}, {3, 0, content.ErrUntrusted}} {
		if _, _, err := trust.OpenHead(headBy(t, c.key), then.Add(c.after)); !errors.Is(err, c.want) {
			t.Errorf("key %d after %v: %v, want %v", c.key, c.after, err, c.want)
		}
	}
	next, gone, err := doc.Without(content.KeyID(pub(2)), then)
	if err != nil || gone.Name != "ana" || !slices.Equal(gone.Prefixes, []string{"till"}) || len(doc.Publishers) != 2 {
		t.Fatalf("%+v, %v; %d publishers before", gone, err, len(doc.Publishers))
	}
	trust = trusting(t, next)
	if _, _, err := trust.OpenHead(headBy(t, 2), then); !errors.Is(err, content.ErrUntrusted) || !strings.Contains(err.Error(), "the key of ana was revoked") {
		t.Errorf("%v, want that the key was revoked", err)
	}
	if _, _, err := trust.OpenHead(headBy(t, 1), then); err != nil {
		t.Errorf("the other key: %v", err)
	}
	for key, want := range map[byte]string{1: "", 2: "the key of ana was revoked", 3: "no key that is trusted signed it"} {
		if got := trust.Distrusts(headBy(t, key)); got != want {
			t.Errorf("key %d: %q, want %q", key, got, want)
		}
	}
}

func TestRevokedKeyIsNotTakenAgain(t *testing.T) {
	doc, err := content.TrustDocument{Serial: 1, Created: then}.With(content.Publisher{Key: pub(1), Name: "ana", Prefixes: []string{""}}, then)
	if err != nil {
		t.Fatal(err)
	}
	doc, _, err = doc.Without(content.KeyID(pub(1)), then)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := doc.With(content.Publisher{Key: pub(1), Name: "ben", Prefixes: []string{""}}, then); !errors.Is(err, content.ErrRevoked) {
		t.Errorf("added again: %v", err)
	}
	good, err := doc.With(content.Publisher{Key: pub(2), Name: "ben", Prefixes: []string{""}}, then)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := good.Rotated(content.KeyID(pub(2)), pub(1), time.Time{}, then, then); !errors.Is(err, content.ErrRevoked) {
		t.Errorf("rotated to it: %v", err)
	}
	// Not even by the root's own hand.
	good.Publishers = append(good.Publishers, content.Publisher{Key: pub(1), Name: "ana", Prefixes: []string{""}})
	if _, err := content.SignTrust(good, rootOf); !errors.Is(err, content.ErrRevoked) {
		t.Errorf("signed with it: %v", err)
	}
}

func TestChangesOfNoPublisherAreRefused(t *testing.T) {
	doc := content.TrustDocument{Serial: 1, Created: then}
	if _, _, err := doc.Without("abc", then); !errors.Is(err, content.ErrNoPublisher) {
		t.Error(err)
	}
	if _, err := doc.Rotated("abc", pub(1), time.Time{}, then, then); !errors.Is(err, content.ErrNoPublisher) {
		t.Error(err)
	}
	doc, err := doc.With(content.Publisher{Key: pub(1), Name: "ana", Prefixes: []string{""}, Expires: then.Add(time.Minute)}, then)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := doc.Rotated(content.KeyID(pub(1)), pub(1), time.Time{}, then, then); err == nil {
		t.Error("a key was rotated to itself")
	}
	if doc, err = doc.Rotated(content.KeyID(pub(1)), pub(2), time.Time{}, then.Add(time.Hour), then); err != nil || !doc.Publishers[0].Expires.Equal(then.Add(time.Minute)) {
		t.Errorf("%+v, %v: the old key lives longer than it would have", doc.Publishers, err)
	}
}

func TestOldestRevocationsAreForgotten(t *testing.T) {
	doc := content.TrustDocument{Serial: 1, Created: then}
	for n := range content.MaxRevoked + 2 {
		var err error
		key := pub(byte(n))
		if doc, err = doc.With(content.Publisher{Key: key, Name: fmt.Sprint(n), Prefixes: []string{""}}, then); err != nil {
			t.Fatal(err)
		}
		if doc, _, err = doc.Without(content.KeyID(key), then); err != nil {
			t.Fatal(err)
		}
	}
	if trusting(t, doc); len(doc.Revoked) != content.MaxRevoked || doc.Revoked[0].Name != "2" {
		t.Errorf("%d, the first of them %s", len(doc.Revoked), doc.Revoked[0].Name)
	}
	doc.Revoked = append(doc.Revoked, doc.Revoked[0])
	if err := doc.Check(); err == nil {
		t.Error("too many are taken")
	}
}
