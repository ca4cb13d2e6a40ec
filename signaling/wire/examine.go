package wire

import (
	"errors"
	"fmt"
)

// Limits of what an endpoint says of its links to one peer.
const (
	// MaxAttempts bounds the attempts that it remembers.
	MaxAttempts = 8
	// MaxCarried bounds the links of which it says what they carried.
	MaxCarried       = 64
	maxQuestionBytes = 64
	maxSeen          = 1 << 16
)

// Examine asks an endpoint what became of its attempts at a link to a peer. The answer
// is Examined with the same question.
type Examine struct {
	Question string     `json:"question"`
	Peer     EndpointID `json:"peer"`
	// Links asks in place of that what each of its links carried, for an operator who looks
	// at the site. Who does not know of it answers about Peer, which is any of its peers.
	Links bool `json:"links,omitempty"`
}

// Examined is what an endpoint knows of its link to a peer.
type Examined struct {
	Question string     `json:"question"`
	Peer     EndpointID `json:"peer"`
	Up       bool       `json:"up,omitempty"`
	Relayed  bool       `json:"relayed,omitempty"` // by a relay beyond the WAN
	// Attempts are the latest, oldest first.
	Attempts []Attempt `json:"attempts,omitempty"`
	// Links are those that are up, where that was asked.
	Links []Carried `json:"links,omitempty"`
}

// Carried is what a link carried since it came up: bytes of chunks and bodies, as one end of it
// counts them.
type Carried struct {
	Peer     EndpointID `json:"peer"`
	Received int64      `json:"received,omitempty"`
	Sent     int64      `json:"sent,omitempty"`
}

// Attempt is what an endpoint saw of one attempt at a link.
type Attempt struct {
	Attempt int   `json:"attempt"`
	AgoMs   int64 `json:"ago_ms"` // since it ended
	// STUN says that servers were asked for the own address, Answered that one did.
	STUN     bool `json:"stun,omitempty"`
	Answered bool `json:"answered,omitempty"`
	// RelayUDP and RelayTCP say by which ways a relay was asked, AtSite that it is the
	// one at the site.
	RelayUDP bool `json:"relay_udp,omitempty"`
	RelayTCP bool `json:"relay_tcp,omitempty"`
	AtSite   bool `json:"at_site,omitempty"`
	// Own and Theirs count addresses that the endpoint found for itself, and that the
	// peer told it.
	Own    Addresses `json:"own"`
	Theirs Addresses `json:"theirs"`
	Up     bool      `json:"up,omitempty"`
	Via    string    `json:"via,omitempty"`   // ViaDirect and so on, when it came up
	Ended  string    `json:"ended,omitempty"` // why it did not
}

// How a link goes.
const (
	ViaDirect    = "direct"
	ViaSiteRelay = "site_relay"
	ViaFarRelay  = "far_relay"
)

// Addresses counts candidates by kind.
type Addresses struct {
	Host      int `json:"host,omitempty"`
	Reflexive int `json:"reflexive,omitempty"` // as a STUN server sees the endpoint
	Relay     int `json:"relay,omitempty"`
	Hidden    int `json:"hidden,omitempty"`  // by mDNS, or of a kind that is not used
	Refused   int `json:"refused,omitempty"` // no peer can be there
}

// Check reports what is wrong with a question.
func (e Examine) Check() error { return first(question(e.Question), e.Peer.Check()) }

func question(q string) error {
	if q == "" {
		return errors.New("no question is named")
	}
	return size("question", q, maxQuestionBytes)
}

// Check reports what is wrong with an answer.
func (e Examined) Check() error {
	if err := first(question(e.Question), e.Peer.Check(), count("attempts", len(e.Attempts), MaxAttempts), count("links", len(e.Links), MaxCarried)); err != nil {
		return err
	}
	for _, l := range e.Links {
		if err := l.Peer.Check(); err != nil {
			return err
		}
		if min(l.Received, l.Sent) < 0 || max(l.Received, l.Sent) > MaxNumber {
			return fmt.Errorf("a link that carried %d and %d bytes can't be", l.Received, l.Sent)
		}
	}
	for _, a := range e.Attempts {
		if a.Attempt < 0 || a.AgoMs < 0 || a.AgoMs > MaxNumber {
			return fmt.Errorf("attempt %d, %d ms ago, can't be", a.Attempt, a.AgoMs)
		}
		for _, n := range []Addresses{a.Own, a.Theirs} {
			if min(n.Host, n.Reflexive, n.Relay, n.Hidden, n.Refused) < 0 || max(n.Host, n.Reflexive, n.Relay, n.Hidden, n.Refused) > maxSeen {
				return fmt.Errorf("addresses %+v can't be", n)
			}
		}
		if err := first(size("ended", a.Ended, MaxReasonBytes), size("via", a.Via, maxCodeBytes)); err != nil {
			return err
		}
	}
	return nil
}
