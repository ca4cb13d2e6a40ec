package credential

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// Cost is what it takes to hash a password with argon2id, in one thread.
type Cost struct{ KiB, Passes uint32 }

// UsualCost is what OWASP's Password Storage Cheat Sheet names first: 19 MiB, two passes.
// Tests of what is done with passwords have no time for that.
var UsualCost = Cost{KiB: 19 << 10, Passes: 2}

const (
	argonThreads = 1
	argonSalt    = 16 // bytes
	argonKey     = 32 // bytes
)

// Limits of passwords. There are no others: NIST SP 800-63B advises against rules of
// which characters must be in one.
const (
	MinPassword = 12   // characters
	MaxPassword = 1024 // bytes
)

// ErrBusy means that too many passwords are being checked.
var ErrBusy = errors.New("too many passwords are being checked")

// Passwords hashes and checks passwords, each with some memory, a few at a time. The
// others wait.
type Passwords struct {
	cost Cost
	at   chan struct{} // full while as many are at it as may
	wait chan struct{} // and as many wait as may
}

// Bounds on what passwords cost: memory of those at it, and how many may wait.
const (
	passwordsAtOnce  = 2
	passwordsWaiting = 64
)

// NewPasswords makes one. A program needs no more than one.
func NewPasswords(cost Cost) *Passwords {
	return &Passwords{cost, make(chan struct{}, passwordsAtOnce), make(chan struct{}, passwordsWaiting)}
}

// CheckPassword reports what is wrong with a password that somebody chooses.
func CheckPassword(password string) error {
	switch {
	case !utf8.ValidString(password) || strings.ContainsRune(password, 0):
		return errors.New("the password has characters that are none")
	case utf8.RuneCountInString(password) < MinPassword:
		return fmt.Errorf("the password is shorter than %d characters", MinPassword)
	case len(password) > MaxPassword:
		return fmt.Errorf("the password is longer than %d bytes", MaxPassword)
	}
	return nil
}

// Hash returns a password as it is kept: $argon2id$v=19$m=..,t=..,p=..$SALT$KEY. It fails
// with ErrBusy, or when ctx ends before its turn comes.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, argonSalt)
	_, _ = rand.Read(salt) // crypto/rand never fails
	key, err := p.key(ctx, password, salt)
	if err != nil {
		return "", err
	}
	return p.cost.encode(salt, key), nil
}

// Verify reports whether a password is the one of a hash; where the hash is none, as for
// an account that is not there, it takes as long and says no. It fails like Hash.
func (p *Passwords) Verify(ctx context.Context, hash, password string) (bool, error) {
	salt, want, known := p.cost.decode(hash)
	if !known {
		salt, want = make([]byte, argonSalt), make([]byte, argonKey)
	}
	key, err := p.key(ctx, password[:min(len(password), MaxPassword+1)], salt)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(key, want) == 1 && known, nil
}

func (p *Passwords) key(ctx context.Context, password string, salt []byte) ([]byte, error) {
	select {
	case p.wait <- struct{}{}:
		defer func() { <-p.wait }()
	default:
		return nil, ErrBusy
	}
	select {
	case p.at <- struct{}{}:
		defer func() { <-p.at }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(password), salt, p.cost.Passes, p.cost.KiB, argonThreads, argonKey), nil
}

func (c Cost) prefix() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$", argon2.Version, c.KiB, c.Passes, argonThreads)
}

func (c Cost) encode(salt, key []byte) string {
	e := base64.RawStdEncoding
	return c.prefix() + e.EncodeToString(salt) + "$" + e.EncodeToString(key)
}

// decode reads a hash of this cost: there was no other in any release.
func (c Cost) decode(hash string) (salt, key []byte, ok bool) {
	rest, ok := strings.CutPrefix(hash, c.prefix())
	e := base64.RawStdEncoding.Strict()
	if !ok || len(rest) != e.EncodedLen(argonSalt)+1+e.EncodedLen(argonKey) {
		return nil, nil, false
	}
	first, second, _ := strings.Cut(rest, "$")
	salt, err1 := e.DecodeString(first)
	key, err2 := e.DecodeString(second)
	return salt, key, err1 == nil && err2 == nil && len(salt) == argonSalt && len(key) == argonKey
}

// secretText is how the secrets of invitations and sessions are written.
var secretText = base64.RawURLEncoding.Strict()

// SecretText writes a secret of NewSecret for an address or a cookie.
func SecretText(secret []byte) string { return secretText.EncodeToString(secret) }

// ParseSecret reads what SecretText wrote; ErrToken when it can't be that.
func ParseSecret(text string) ([]byte, error) {
	if len(text) != secretText.EncodedLen(secretBytes) {
		return nil, ErrToken
	}
	secret, err := secretText.DecodeString(text)
	if err != nil || len(secret) != secretBytes {
		return nil, ErrToken
	}
	return secret, nil
}
