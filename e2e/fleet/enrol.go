package fleet

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

const (
	askTimeout     = 30 * time.Second
	maxAnswerBytes = 256 << 10
	// codeUnknown is what the server says of an endpoint that did not enrol.
	codeUnknown = "unknown_endpoint"
)

// DialFunc opens connections.
type DialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// From dials over the computer's own network, from an address of it. With many addresses
// there are as many times the ports.
func From(host netip.Addr) DialFunc {
	return (&net.Dialer{Timeout: askTimeout, LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(host, 0))}).DialContext
}

// door is how the endpoints of a place ask the server for what needs no socket. As theirs
// do, each request has a connection of its own.
type door struct {
	server *url.URL
	http   *http.Client
}

func newDoor(server *url.URL, dial DialFunc, config *tls.Config) door {
	return door{server, &http.Client{Timeout: askTimeout, Transport: &http.Transport{DialContext: dial, TLSClientConfig: config, DisableKeepAlives: true}}}
}

// post sends in and reads the answer into out. A refusal is a *wire.RefusedError.
func (d door) post(ctx context.Context, path string, in, out any) error {
	text, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.server.JoinPath(path).String(), bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := d.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if text, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes)); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		var problem struct{ Code, Detail string }
		_ = json.Unmarshal(text, &problem) // no problem document: the status says it
		return fmt.Errorf("the server answered %d: %w", resp.StatusCode, &wire.RefusedError{Code: problem.Code, Detail: problem.Detail})
	}
	return json.Unmarshal(text, out)
}

// session proves a key, and returns a token for the socket.
func (d door) session(ctx context.Context, key ed25519.PrivateKey) (string, error) {
	var challenge wire.ChallengeResponse
	if err := d.post(ctx, wire.PathChallenge, struct{}{}, &challenge); err != nil {
		return "", fmt.Errorf("ask for a challenge: %w", err)
	}
	var answer wire.SessionResponse
	err := d.post(ctx, wire.PathSession, wire.SessionRequest{Endpoint: wire.IDOf(key.Public().(ed25519.PublicKey)), Nonce: challenge.Nonce,
		Proof: ed25519.Sign(key, wire.SessionClaim(challenge.Nonce))}, &answer)
	if err != nil {
		return "", fmt.Errorf("prove the key: %w", err)
	}
	return answer.Token, nil
}

// enrol trades an enrolment token for a place at its site.
func (d door) enrol(ctx context.Context, text string, key ed25519.PrivateKey, name string) error {
	token, err := wire.ParseEnrolToken(text)
	if err != nil {
		return err
	}
	var answer wire.EnrolResponse
	err = d.post(ctx, wire.PathEnrol, wire.EnrolRequest{Token: token.ID, Secret: token.Secret, Key: key.Public().(ed25519.PublicKey),
		Proof: ed25519.Sign(key, wire.EnrolClaim(token.ID)), Name: name, Device: wire.DeviceAgent}, &answer)
	if err != nil {
		return fmt.Errorf("enrol: %w", err)
	}
	return nil
}

// token returns a token for an endpoint's socket, and enrols it first if it has to.
func (e *endpoint) token(ctx context.Context, at *place) (string, error) {
	token, err := at.door.session(ctx, e.key)
	why := new(wire.RefusedError)
	enrol := e.fleet.cfg.Enrol
	if enrol == nil || !errors.As(err, &why) || why.Code != codeUnknown {
		return token, err
	}
	// At the site of the plan, wherever it is now.
	home := e.fleet.places[e.fleet.cfg.Home(e.index)]
	if err := home.door.enrol(ctx, enrol(e.index), e.key, e.name); err != nil {
		return "", err
	}
	return at.door.session(ctx, e.key)
}
