package rtc_test

import (
	"crypto/ed25519"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// A mallory is a server that changes descriptions on their way.
type mallory struct {
	key  ed25519.PrivateKey // of another endpoint of the site
	a, b *end               // a dials b
}

var printLine = regexp.MustCompile(`a=fingerprint:sha-256 [0-9A-F:]{95}`)

// otherPrint is the fingerprint of nobody's certificate.
const otherPrint = "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF"

// claim is what the author of the description in sig vouched for.
func (m *mallory) claim(sig wire.Signal) wire.Claim {
	c := wire.Claim{Role: "offer", From: sig.From, To: sig.To, Site: site, Link: sig.Link}
	d := sig.Offer
	if d == nil {
		c.Role, d = "answer", sig.Answer
	}
	c.Fingerprint = strings.TrimPrefix(printLine.FindString(d.SDP), "a=fingerprint:")
	return c
}

// forgeries change a description d, which travels in sig.
var forgeries = map[string]func(m *mallory, sig wire.Signal, d *wire.Description){
	"bad signature":  func(_ *mallory, _ wire.Signal, d *wire.Description) { d.Statement.Signature[7] ^= 1 },
	"no signature":   func(_ *mallory, _ wire.Signal, d *wire.Description) { d.Statement.Signature = nil },
	"no key":         func(_ *mallory, _ wire.Signal, d *wire.Description) { d.Statement.Key = nil },
	"another author": func(m *mallory, sig wire.Signal, d *wire.Description) { d.Statement = m.claim(sig).Sign(m.key) },
	"another site": func(m *mallory, sig wire.Signal, d *wire.Description) {
		c := m.claim(sig)
		c.Site = "another shop"
		d.Statement = c.Sign(m.author(sig).key)
	},
	"meant for another peer": func(m *mallory, sig wire.Signal, d *wire.Description) {
		c := m.claim(sig)
		c.To = wire.IDOf(m.key.Public().(ed25519.PublicKey))
		d.Statement = c.Sign(m.author(sig).key)
	},
	"the other role": func(m *mallory, sig wire.Signal, d *wire.Description) {
		c := m.claim(sig)
		c.Role = map[string]string{"offer": "answer", "answer": "offer"}[c.Role]
		d.Statement = c.Sign(m.author(sig).key)
	},
	"another link": func(m *mallory, sig wire.Signal, d *wire.Description) {
		c := m.claim(sig)
		c.Link = "of yesterday"
		d.Statement = c.Sign(m.author(sig).key)
	},
	"another fingerprint": func(_ *mallory, _ wire.Signal, d *wire.Description) {
		d.SDP = printLine.ReplaceAllString(d.SDP, "a=fingerprint:sha-256 "+otherPrint)
	},
	"two fingerprints": func(_ *mallory, _ wire.Signal, d *wire.Description) {
		d.SDP += "a=fingerprint:sha-256 " + otherPrint + "\r\n"
	},
	"no fingerprint": func(_ *mallory, _ wire.Signal, d *wire.Description) {
		d.SDP = printLine.ReplaceAllString(d.SDP, "a=x:y")
	},
	"a weak fingerprint": func(_ *mallory, _ wire.Signal, d *wire.Description) {
		d.SDP = printLine.ReplaceAllString(d.SDP, "a=fingerprint:sha-1 "+otherPrint[:59])
	},
	// The SDP parser takes a lone carriage return for the end of some lines, so
	// this fingerprint counts although no line begins with it; it comes before
	// the one that was signed.
	"a fingerprint hidden in a line": func(_ *mallory, _ wire.Signal, d *wire.Description) {
		d.SDP = strings.Replace(d.SDP, "t=0 0\r\n", "t=0 0\ra=fingerprint:sha-256 "+otherPrint+"\r\n", 1)
		// A session has one; pion writes it here, so the signed one moves down.
		at := printLine.FindAllString(d.SDP, 2)
		d.SDP = strings.Replace(d.SDP, "\r\n"+at[1], "", 1) + at[1] + "\r\n"
	},
}

func (m *mallory) author(sig wire.Signal) *end {
	if sig.From == m.a.id {
		return m.a
	}
	return m.b
}

func TestForgedDescriptionIsRefused(t *testing.T) {
	for name, forge := range forgeries {
		for _, role := range []string{"offer", "answer"} {
			t.Run(strings.ReplaceAll(name, " ", "_")+"/"+role, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					n, a, b := pair(t)
					m := &mallory{newKey(t), a, b}
					n.server.tamper = func(sig wire.Signal) []wire.Signal {
						d := sig.Offer
						if role == "answer" {
							d = sig.Answer
						}
						if d == nil {
							return []wire.Signal{sig}
						}
						forged := &wire.Description{SDP: d.SDP, Statement: wire.Statement{
							Key: slices.Clone(d.Statement.Key), Signature: slices.Clone(d.Statement.Signature)}}
						forge(m, sig, forged)
						if role == "offer" {
							sig.Offer = forged
						} else {
							sig.Answer = forged
						}
						return []wire.Signal{sig}
					}
					a.Dial(b.id, 1)
					// Nobody waits for the deadline: who refuses says so.
					for _, e := range []*end{a, b} {
						f, err := take(e.falls, time.Second)
						if role == "offer" && e == b && err != nil {
							continue // a forged offer need not even begin a session
						}
						if err != nil || f.link != nil || f.reason == "" {
							t.Errorf("%s heard %+v, %v; want an attempt that failed for a reason", e.id.Short(), f, err)
						}
					}
					never(t, a, time.Minute)
					never(t, b, 0)
					if n := a.refused.Count(wire.DoorSignal, wire.CodeStatement) + b.refused.Count(wire.DoorSignal, wire.CodeStatement); n != 1 {
						t.Errorf("counted %d times, want once", n)
					}
					refused := n.server.sent(func(s wire.Signal) bool { return s.Refused != "" })
					if len(refused) != 1 || !strings.HasPrefix(refused[0].Refused, wire.CodeStatement+": ") {
						t.Errorf("refused with %+v, want one that says %q first", refused, wire.CodeStatement)
					}
				})
			})
		}
	}
}

// A server that kept an offer can't use it again: neither while its link is up,
// which it would end, nor later.
func TestOfferCountsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b, la, _ := linked(t)
		offer := n.server.sent(offers)[0]
		b.Transport.Signal(offer)
		never(t, b, time.Minute)
		if err := la.SendCtl(wire.Frame{Kind: wire.FrameLeave}); err != nil {
			t.Errorf("the link ended: %v", err)
		}
		a.HangUp(b.id)
		down(t, a, soon)
		down(t, b, soon)
		b.Transport.Signal(offer)
		never(t, b, time.Minute)
		if got := len(n.server.sent(answers)); got != 1 {
			t.Errorf("%d answers, want 1", got)
		}
		if got := b.refused.Count(wire.DoorSignal, wire.CodeReplayed); got != 2 {
			t.Errorf("%d offers counted as replayed, want 2", got)
		}
	})
}

// An offer that its author did not sign must not end a link that works.
func TestForgedOfferDoesNotEndALink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, _, b, _, _ := linked(t)
		forged := n.server.sent(offers)[0]
		forged.Link = "another"
		b.Transport.Signal(forged)
		never(t, b, time.Minute)
	})
}

func TestSignalsForOthersAreIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b := pair(t)
		n.server.tamper = func(wire.Signal) []wire.Signal { return nil }
		a.Dial(b.id, 1)
		time.Sleep(time.Second)
		offer := n.server.sent(offers)[0]
		a.Transport.Signal(offer) // its own
		offer.To = wire.IDOf(newKey(t).Public().(ed25519.PublicKey))
		b.Transport.Signal(offer)
		b.Transport.Signal(wire.Signal{From: a.id, To: b.id, Link: "none", Candidate: "candidate:1"})
		never(t, b, time.Minute)
		if got := len(n.server.sent(answers)); got != 0 {
			t.Errorf("%d answers, want none", got)
		}
		wantRefused(t, a, wire.DoorSignal, wire.CodeProtocol, 1)
		if b.refused.Count(wire.DoorSignal, wire.CodeProtocol) != 1 || b.refused.Count(wire.DoorSignal, wire.CodeUnknownPeer) != 1 {
			t.Error("what is for others is not counted")
		}
	})
}

// A peer that offers again and again, with all it needs to be believed, can't make
// this end build connections as fast as messages come.
func TestOffersWithoutEndAreNotAllTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b, _, _ := linked(t)
		m := &mallory{newKey(t), a, b}
		offer := n.server.sent(offers)[0]
		for i := range 50 {
			again := offer
			again.Link = strings.Repeat("x", i+1)
			again.Offer = &wire.Description{SDP: offer.Offer.SDP}
			again.Offer.Statement = m.claim(again).Sign(a.key)
			b.Transport.Signal(again)
		}
		time.Sleep(time.Minute)
		// One of the turns went to the first link.
		if got := b.refused.Count(wire.DoorSignal, wire.CodeOverloaded); got != 46 {
			t.Errorf("%d offers counted as too many, want all but 4", got)
		}
		a.Dial(b.id, 1) // an honest try later on
		up(t, b, soon)
	})
}

func TestCandidatesAreBoundedAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, _, b, _, _ := linked(t)
		offer := n.server.sent(offers)[0]
		say := func(text string) {
			b.Transport.Signal(wire.Signal{From: offer.From, To: offer.To, Link: offer.Link, Candidate: text})
			synctest.Wait()
		}
		say("candidate:nonsense")
		wantRefused(t, b, wire.DoorSignal, wire.CodeProtocol, 1)
		for range 100 {
			say("candidate:1 1 udp 2130706431 10.0.0.9 9 typ host")
		}
		if got := b.refused.Count(wire.DoorSignal, wire.CodeTooLarge); got < 30 {
			t.Errorf("%d of 101 candidates counted as too many", got)
		}
	})
}
