package agent_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/edge/agent"
)

func TestPinnedChainIsChecked(t *testing.T) {
	now := time.Now()
	good, other := newChain(t, host), newChain(t, host)
	named := newChain(t, "sitecast.example")
	// Signed by a certificate that is no authority, though the pinned key's own.
	forged, _ := issue(t, host, false, now, good.leaf, good.key)
	old := newChainAt(t, host, now.AddDate(-30, 0, 0))
	early := newChainAt(t, host, now.AddDate(30, 0, 0))
	list := func(certs ...*x509.Certificate) []*x509.Certificate { return certs }
	for _, c := range []struct {
		name  string
		chain []*x509.Certificate
		host  string
		pin   string
		ok    bool
		isPin bool // the error is ErrPin
	}{
		{"authority pinned", good.certs(), host, pinOf(good.ca), true, false},
		{"intermediate pinned", good.certs(), host, pinOf(good.between), true, false},
		{"intermediate pinned, root not sent", list(good.leaf, good.between), host, pinOf(good.between), true, false},
		{"leaf pinned", good.certs(), host, pinOf(good.leaf), true, false},
		{"leaf pinned, alone", list(good.leaf), host, pinOf(good.leaf), true, false},
		{"by name", named.certs(), "sitecast.example", pinOf(named.ca), true, false},
		{"expired long ago", old.certs(), host, pinOf(old.ca), true, false},
		{"not yet valid", early.certs(), host, pinOf(early.ca), true, false},
		{"another host", good.certs(), "10.0.0.2", pinOf(good.ca), false, false},
		{"another name", named.certs(), "www.sitecast.example", pinOf(named.ca), false, false},
		{"another host, leaf pinned", good.certs(), "10.0.0.2", pinOf(good.leaf), false, false},
		{"nothing", nil, host, pinOf(good.ca), false, true},
		{"another authority", other.certs(), host, pinOf(good.ca), false, true},
		{"pinned authority not sent", list(good.leaf, good.between), host, pinOf(good.ca), false, true},
		{"pinned authority beside another's chain", list(other.leaf, good.ca), host, pinOf(good.ca), false, true},
		{"pinned authority at the end of another's chain", append(other.certs(), good.ca), host, pinOf(good.ca), false, true},
		{"gap in the chain", list(good.leaf, good.ca), host, pinOf(good.ca), false, true},
		{"wrong order", list(good.leaf, good.ca, good.between), host, pinOf(good.ca), false, true},
		{"issued by a mere leaf", list(forged, good.leaf, good.between, good.ca), host, pinOf(good.ca), false, true},
		{"issued by the pinned leaf", list(forged, good.leaf), host, pinOf(good.leaf), false, true},
		{"pin in capitals", good.certs(), host, strings.ToUpper(pinOf(good.ca)), false, true},
	} {
		err := agent.CheckPin(c.chain, c.host, c.pin)
		if (err == nil) != c.ok || errors.Is(err, agent.ErrPin) != c.isPin {
			t.Errorf("%s: got %v; want ok %v, ErrPin %v", c.name, err, c.ok, c.isPin)
		}
	}
}

// The same over a real handshake: which certificate counts does not depend on
// the device's clock when there is a pin, and the system decides when there is none.
func TestServerIsRecognised(t *testing.T) {
	for _, c := range []struct {
		name string
		bend func(s *server)
		ok   bool
	}{
		{"pinned", func(*server) {}, true},
		{"pinned and expired", func(s *server) { s.use(newChainAt(s.t, host, time.Now().AddDate(-9, 0, 0)), true) }, true},
		{"pinned and not yet valid", func(s *server) { s.use(newChainAt(s.t, host, time.Now().AddDate(9, 0, 0)), true) }, true},
		{"pinned, for another host", func(s *server) { s.use(newChain(s.t, "10.0.0.2"), true) }, false},
		{"another authority", func(s *server) { s.use(newChain(s.t, host), false) }, false},
		{"no pin and no authority of the system", func(s *server) { s.token.Pin = "" }, false},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				c.bend(s)
				err := run(t, s.config(t.TempDir()), 20*time.Second)
				if got := len(s.requests()) > 0; got != c.ok {
					t.Errorf("the token was sent: %v, want %v (%v)", got, c.ok, err)
				}
			})
		})
	}
}

// use has the server show another chain, and the token pin its root.
func (s *server) use(c *chain, pinned bool) {
	s.chain = c
	if pinned {
		s.token.Pin = pinOf(c.ca)
	}
	s.replace(func(*tls.Config) {})
}

// replace serves with other settings from now on.
func (s *server) replace(bend func(*tls.Config)) {
	synctest.Wait() // the old server listens, so that it can be stopped
	_ = s.web.Close()
	synctest.Wait()
	s.web = s.again()
	bend(s.web.TLSConfig)
	s.listen()
}

func TestOldTLSIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.replace(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 })
		_ = run(t, s.config(t.TempDir()), 20*time.Second)
		if got := len(s.requests()); got > 0 {
			t.Errorf("the token was sent %d times over TLS 1.1", got)
		}
	})
}
