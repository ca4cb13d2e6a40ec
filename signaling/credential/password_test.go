package credential_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sitecast/sitecast/signaling/credential"
)

func TestAPasswordIsKnownByItsHash(t *testing.T) {
	p := credential.NewPasswords(credential.UsualCost)
	const password = "correct horse battery staple"
	hash, err := p.Hash(t.Context(), password)
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") || strings.Contains(hash, password) {
		t.Fatalf("got %q (%v)", hash, err)
	}
	again, err := p.Hash(t.Context(), password)
	if err != nil || again == hash {
		t.Errorf("got %q twice (%v), want that the salt differs", hash, err)
	}
	for _, c := range []struct {
		hash, password string
		want           bool
	}{
		{hash, password, true}, {again, password, true}, {hash, password + " ", false}, {hash, "", false}, {"", "", false}, {"", password, false},
		{hash + "A", password, false}, {strings.Replace(hash, "t=2", "t=1", 1), password, false}, {strings.Replace(hash, "argon2id", "argon2i", 1), password, false},
		{hash, strings.Repeat("x", 1<<20), false},
	} {
		if got, err := p.Verify(t.Context(), c.hash, c.password); got != c.want || err != nil {
			t.Errorf("Verify(%q, %.40q) = %v (%v), want %v", c.hash, c.password, got, err, c.want)
		}
	}
}

func TestFewPasswordsAreCheckedAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := credential.NewPasswords(credential.UsualCost)
		free := credential.Occupy(p) // nobody's turn comes
		ctx, stop := context.WithCancel(t.Context())
		results := make(chan error)
		for range credential.PasswordsWaiting {
			go func() {
				_, err := p.Verify(ctx, "", "")
				results <- err
			}()
		}
		synctest.Wait()
		if _, err := p.Verify(t.Context(), "", ""); !errors.Is(err, credential.ErrBusy) {
			t.Errorf("one more: got %v, want %v", err, credential.ErrBusy)
		}
		stop()
		for range credential.PasswordsWaiting {
			if err := <-results; !errors.Is(err, context.Canceled) {
				t.Errorf("who waited got %v, want %v", err, context.Canceled)
			}
		}
		free()
		if _, err := p.Verify(t.Context(), "", ""); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

func TestPasswordsAreLongEnough(t *testing.T) {
	for password, good := range map[string]bool{"correct horse": true, "ünïcödé-äöü!": true, "short": false, "": false, "elevenchars": false,
		strings.Repeat("x", credential.MaxPassword+1): false, "with a zero \x00 in it": false, "no utf-8 \xff in it here": false} {
		if err := credential.CheckPassword(password); (err == nil) != good {
			t.Errorf("%.40q: %v", password, err)
		}
	}
}

// FuzzPasswordHash holds that no hash from a database is anybody's password.
func FuzzPasswordHash(f *testing.F) {
	for _, hash := range []string{"", "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=4194304,t=2,p=1$AAAA$AAAA", "$argon2id$v=19$m=19456,t=2,p=1$$"} {
		f.Add(hash)
	}
	f.Fuzz(func(t *testing.T, hash string) {
		salt, key, ok := credential.DecodePassword(hash)
		if ok && credential.EncodePassword(salt, key) != hash {
			t.Errorf("%q is read, and written as %q", hash, credential.EncodePassword(salt, key))
		}
	})
}

func TestSecretsAreReadAsWritten(t *testing.T) {
	secret, _ := credential.NewSecret()
	text := credential.SecretText(secret)
	if got, err := credential.ParseSecret(text); string(got) != string(secret) || err != nil {
		t.Errorf("got %x (%v), want %x", got, err, secret)
	}
	for _, wrong := range []string{"", text[1:], text + "A", strings.Repeat("=", len(text)), "\n" + text[1:], strings.Repeat("A", 1<<16)} {
		if _, err := credential.ParseSecret(wrong); !errors.Is(err, credential.ErrToken) {
			t.Errorf("%.60q is read (%v)", wrong, err)
		}
	}
}

// FuzzParseSecret holds that a secret is written in one way only.
func FuzzParseSecret(f *testing.F) {
	secret, _ := credential.NewSecret()
	for _, text := range []string{"", credential.SecretText(secret), strings.Repeat("A", 43), strings.Repeat("_", 43)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := credential.ParseSecret(text)
		if err == nil && credential.SecretText(got) != text {
			t.Errorf("%q is read, and written as %q", text, credential.SecretText(got))
		}
	})
}
