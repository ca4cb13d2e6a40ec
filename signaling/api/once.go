package api

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/sitecast/sitecast/storage/catalog"
)

// Limits of what is kept for those who did not hear what a change was answered.
const (
	// AnswersLast is how long an answer is kept.
	AnswersLast = 24 * time.Hour
	// maxAnswers bounds how many are.
	maxAnswers = 100_000
	// maxAnswerBytes bounds one.
	maxAnswerBytes = 64 << 10
	// maxKeyBytes bounds an Idempotency-Key.
	maxKeyBytes = 128
	// sweepEvery is how often those are dropped that are too old.
	sweepEvery = time.Minute
	// keepTimeout bounds how long it may take to keep one.
	keepTimeout = 5 * time.Second
)

// once makes a change that has an Idempotency-Key once, and answers later ones with the same
// key as the first (draft-ietf-httpapi-idempotency-key-header). The change and its answer are
// kept together or not at all, so that a server which dies leaves nobody in doubt. What
// failed changed nothing, so its answer is not kept: it is tried again.
func (s *server) once(ctx huma.Context, next func(huma.Context)) {
	header := ctx.Header("Idempotency-Key")
	if header == "" || ctx.Method() == http.MethodGet {
		next(ctx)
		return
	}
	key, err := parseKey(header)
	if err != nil {
		s.write(ctx, err)
		return
	}
	r, w := humachi.Unwrap(ctx)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	if err != nil {
		s.write(ctx, unread(err))
		return
	}
	seal, err := newSeal(r.Header.Get("Authorization"), r.Header.Get("Cookie"), key)
	if err != nil {
		s.write(ctx, err)
		return
	}
	if !s.claim(seal.id) {
		ctx.SetHeader("Retry-After", "1")
		s.write(ctx, &Problem{Status: http.StatusConflict, Code: "in_progress", Detail: "a change with this Idempotency-Key is under way",
			Hint: "send it again in a second: the answer is that of the first"})
		return
	}
	defer s.release(seal.id)
	digest := seal.digest(r, body)
	kept, err := s.Catalog.Answer(ctx.Context(), seal.id)
	switch {
	case err == nil && kept.Created.Before(time.Now().Add(-AnswersLast)), errors.Is(err, catalog.ErrNotFound):
		// The change is carried through although its caller went away: who comes back
		// with the key wants to hear what came of it.
		r = r.WithContext(context.WithoutCancel(ctx.Context()))
		answer, err := s.whole(r, w, seal, digest, func(inner context.Context, answer *recorded) {
			r := r.WithContext(inner)
			r.Body = io.NopCloser(bytes.NewReader(body))
			next(humachi.NewContext(ctx.Operation(), r, answer))
		})
		if err != nil {
			s.write(ctx, err)
			return
		}
		s.sweepAnswers(r.Context())
		answer.send()
	case err != nil:
		s.write(ctx, err)
	case kept.Digest != digest:
		s.write(ctx, &Problem{Status: http.StatusUnprocessableEntity, Code: "key_reused", Detail: "another request had this Idempotency-Key",
			Hint: "make a key for each change, and send the same one only to repeat it"})
	default:
		answer := record(w)
		if err := seal.open(kept.Sealed, answer); err != nil {
			s.write(ctx, fmt.Errorf("open a kept answer: %w", err))
			return
		}
		answer.header.Set("Idempotency-Replayed", "true")
		answer.send()
	}
}

// parseKey reads the header, which is a string of structured fields (RFC 9651), or bare.
func parseKey(header string) (string, error) {
	key := header
	if inner, ok := strings.CutPrefix(header, `"`); ok && strings.HasSuffix(inner, `"`) {
		key = strings.TrimSuffix(inner, `"`)
	}
	odd := func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }
	if key == "" || len(key) > maxKeyBytes || strings.ContainsFunc(key, odd) {
		return "", bad(fmt.Sprintf("Idempotency-Key: want 1 to %d printable characters of ASCII without spaces and quotes", maxKeyBytes), "use a random text, as a UUID")
	}
	return key, nil
}

// unread says why a body could not be read.
func unread(err error) error {
	if large := new(http.MaxBytesError); errors.As(err, &large) {
		return &Problem{Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("a body of more than %d bytes", large.Limit)}
	}
	return &Problem{Status: http.StatusRequestTimeout, Detail: "the body did not come in time, or not whole"}
}

// claim notes that a change is under way, unless one with the same key is.
func (s *server) claim(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running[id] {
		return false
	}
	s.running[id] = true
	return true
}

func (s *server) release(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, id)
}

// errUndone is why a change is undone that was refused; its answer says more.
var errUndone = errors.New("what was refused changes nothing")

// whole makes a change and keeps its answer, or does neither. Who was told of the change
// while nobody could see it yet is told again.
func (s *server) whole(r *http.Request, w http.ResponseWriter, seal seal, digest string, change func(context.Context, *recorded)) (*recorded, error) {
	answer := record(w)
	told := s.tell.begin()
	defer s.tell.end(told)
	err := s.Catalog.Together(r.Context(), func(ctx context.Context) error {
		change(ctx, answer)
		answer.WriteHeader(http.StatusOK) // unless it was another
		if answer.status < 200 || answer.status > 299 {
			return errUndone
		}
		return s.keep(ctx, seal, digest, answer)
	})
	if errors.Is(err, errUndone) {
		err = nil
	}
	return answer, err
}

// keep keeps the answer of a change. One that is too long is made again.
func (s *server) keep(ctx context.Context, seal seal, digest string, answer *recorded) error {
	if answer.body.Len() > maxAnswerBytes {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, keepTimeout)
	defer stop()
	sealed, err := seal.close(answer)
	if err != nil {
		return err
	}
	return s.Catalog.KeepAnswer(ctx, catalog.Answer{ID: seal.id, Digest: digest, Sealed: sealed, Created: time.Now()})
}

// sweepAnswers drops answers that are too old, now and then.
func (s *server) sweepAnswers(ctx context.Context) {
	now := time.Now()
	s.mu.Lock()
	due := now.Sub(s.swept) >= sweepEvery
	if due {
		s.swept = now
	}
	s.mu.Unlock()
	if !due {
		return
	}
	ctx, stop := context.WithTimeout(ctx, keepTimeout)
	defer stop()
	if err := s.Catalog.DropAnswers(ctx, now.Add(-AnswersLast), maxAnswers); err != nil {
		s.Log.ErrorContext(ctx, "dropping old answers", "err", err)
	}
}

// seal is under what name an answer is kept, and with what keys. They are made of what who
// asks proves itself with and of its Idempotency-Key, which are not kept: an answer may
// hold a token, and who reads the database learns nothing of it.
type seal struct {
	id       string
	mac, key []byte
}

func newSeal(authorization, cookie, key string) (seal, error) {
	secret := []byte(authorization + "\n" + cookie + "\n" + key)
	id, err1 := hkdf.Key(sha256.New, secret, nil, "sitecast answer id", sha256.Size)
	mac, err2 := hkdf.Key(sha256.New, secret, nil, "sitecast answer request", sha256.Size)
	sealing, err3 := hkdf.Key(sha256.New, secret, nil, "sitecast answer", sha256.Size)
	return seal{hex.EncodeToString(id), mac, sealing}, errors.Join(err1, err2, err3)
}

// digest names a request.
func (s seal) digest(r *http.Request, body []byte) string {
	h := hmac.New(sha256.New, s.mac)
	for _, part := range []string{r.Method, r.URL.RequestURI(), r.Header.Get("If-Match"), ""} {
		_, _ = h.Write([]byte(part + "\n")) // never fails
	}
	_, _ = h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// sealed is an answer as it is kept.
type sealed struct {
	Status int
	Type   string
	Body   []byte
}

func (s seal) cipher() (cipher.AEAD, error) {
	block, err := aes.NewCipher(s.key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func (s seal) close(answer *recorded) ([]byte, error) {
	plain, err := json.Marshal(sealed{answer.status, answer.header.Get("Content-Type"), answer.body.Bytes()})
	if err != nil {
		return nil, err
	}
	aead, err := s.cipher()
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, plain, nil), nil
}

func (s seal) open(text []byte, into *recorded) error {
	aead, err := s.cipher()
	if err != nil {
		return err
	}
	plain, err := aead.Open(nil, nil, text, nil)
	if err != nil {
		return err
	}
	var was sealed
	if err := json.Unmarshal(plain, &was); err != nil {
		return err
	}
	into.status = was.Status
	if was.Type != "" {
		into.header.Set("Content-Type", was.Type)
	}
	_, err = into.body.Write(was.Body)
	return err
}
