package agent

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

const (
	apiTimeout     = 20 * time.Second
	maxAnswerBytes = 256 << 10
	// enrolRetry is the wait between attempts to enrol while the server can't be
	// reached.
	enrolRetry = 3 * time.Second
)

// api asks the server for what needs no socket.
type api struct {
	base *url.URL
	http *http.Client
}

func newAPI(cfg Config, pin string) *api {
	// A redirect would take the token's secret to another place.
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &api{cfg.Server, &http.Client{Timeout: apiTimeout, CheckRedirect: stay, Transport: &http.Transport{
		DialContext: cfg.Dial, TLSClientConfig: pinned(pin, cfg.Server.Hostname(), cfg.Authorities), DisableKeepAlives: true}}}
}

// refusal is an answer other than 200.
type refusal struct {
	status  int
	code    string // of the server's problem; empty where somebody else answered
	detail  string
	foreign bool // nobody vouches for it, and it is not in the server's words: somebody in between answered
}

func (r *refusal) Error() string { return fmt.Sprintf("server answered %d: %s", r.status, r.detail) }

// final reports whether asking again will not change the answer: a server that is
// overloaded, or one that is behind a proxy and starts anew, takes it back.
func (r *refusal) final() bool {
	return !r.foreign && r.status < 500 && r.status != http.StatusTooManyRequests && r.status != http.StatusRequestTimeout
}

// Unwrap is what the server itself said: then nothing on the way to it is to blame.
func (r *refusal) Unwrap() error {
	if r.code == "" {
		return nil
	}
	return &wire.RefusedError{Code: r.code, Detail: r.detail}
}

// post sends in and reads the answer into out.
func (a *api) post(ctx context.Context, path string, in, out any) error {
	text, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.base.JoinPath(path).String(), bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := a.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		var problem struct{ Detail, Title, Code string }
		err := json.Unmarshal(text, &problem) // no problem document: the status says it
		return &refusal{resp.StatusCode, problem.Code, problem.Title + " " + problem.Detail, err != nil && a.base.Scheme == "http"}
	}
	return json.Unmarshal(text, out)
}

// session proves the endpoint's key and returns a token for the socket.
func (a *api) session(ctx context.Context, key ed25519.PrivateKey) (string, error) {
	var challenge wire.ChallengeResponse
	if err := a.post(ctx, wire.PathChallenge, struct{}{}, &challenge); err != nil {
		return "", fmt.Errorf("ask for a challenge: %w", err)
	}
	req := wire.SessionRequest{Endpoint: wire.IDOf(key.Public().(ed25519.PublicKey)), Nonce: challenge.Nonce,
		Proof: ed25519.Sign(key, wire.SessionClaim(challenge.Nonce))}
	var answer wire.SessionResponse
	if err := a.post(ctx, wire.PathSession, req, &answer); err != nil {
		return "", fmt.Errorf("prove the endpoint's key: %w", err)
	}
	return answer.Token, nil
}

// enrolled returns the endpoint's identity, enrolling first if there is none. It
// waits for a server that can't be reached, and gives up when it is refused.
func enrolled(ctx context.Context, cfg Config) (*identity, error) {
	id, err := loadIdentity(cfg.Data)
	if err == nil {
		return again(ctx, cfg, id), nil
	}
	if !errors.Is(err, errNotEnrolled) {
		return nil, err
	}
	text, err := cfg.EnrolToken()
	if err != nil {
		return nil, err
	}
	token, err := wire.ParseEnrolToken(text)
	if err != nil {
		return nil, err
	}
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	for {
		id, err := enrol(ctx, cfg, token, key)
		refused := new(refusal)
		if err == nil || errors.As(err, &refused) && refused.final() || errors.Is(err, errRoot) {
			return id, err
		}
		portal := cfg.behindPortal(ctx)
		if errors.Is(err, ErrPin) && portal == "" {
			return nil, err
		}
		cfg.Log.Warn("enrolling, will try again", "err", err, "why", portal)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(enrolRetry):
		}
	}
}

var errRoot = errors.New("the server's root key is not the one the enrolment token names")

// enrol trades a token for a place at its site.
func enrol(ctx context.Context, cfg Config, token wire.EnrolToken, key ed25519.PrivateKey) (*identity, error) {
	req := wire.EnrolRequest{Token: token.ID, Secret: token.Secret, Key: key.Public().(ed25519.PublicKey),
		Proof: ed25519.Sign(key, wire.EnrolClaim(token.ID)), Name: cfg.Name, Device: cfg.Device}
	var answer wire.EnrolResponse
	if err := newAPI(cfg, token.Pin).post(ctx, wire.PathEnrol, req, &answer); err != nil {
		return nil, fmt.Errorf("enrol: %w", err)
	}
	if sum := sha256.Sum256(answer.Root); !bytes.Equal(sum[:], token.Root) {
		return nil, fmt.Errorf("enrol: %w", errRoot)
	}
	if _, err := content.OpenTrust(answer.Trust, answer.Root); err != nil {
		return nil, fmt.Errorf("enrol: %w: %w", errRoot, err)
	}
	id := &identity{Key: key, Machine: machine(), Root: answer.Root, Pin: token.Pin, Site: answer.Site, Trust: answer.Trust, Token: token.ID}
	if err := id.save(cfg.Data); err != nil {
		return nil, fmt.Errorf("keep the new identity: %w", err)
	}
	cfg.Log.Info("enrolled", "endpoint", id.id(), "site", id.Site)
	return id, nil
}
