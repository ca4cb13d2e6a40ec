package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"unicode/utf8"

	"github.com/sitecast/sitecast/storage/content"
)

// A RefusedError is a message that was refused; Code is stable.
type RefusedError struct {
	Code   string
	Detail string
}

func (e *RefusedError) Error() string { return e.Code + ": " + e.Detail }

func refuse(code, format string, args ...any) error {
	return &RefusedError{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// bodies makes the typed body of each kind.
var bodies = map[Kind]func() any{
	KindHello:    func() any { return new(Hello) },
	KindWelcome:  func() any { return new(Welcome) },
	KindRenew:    func() any { return new(Renew) },
	KindTrust:    func() any { return new(Trust) },
	KindFlow:     func() any { return new(Flow) },
	KindFlows:    func() any { return new(Flows) },
	KindObeyed:   func() any { return new(Obeyed) },
	KindDial:     func() any { return new(Dial) },
	KindHangUp:   func() any { return new(HangUp) },
	KindSignal:   func() any { return new(Signal) },
	KindLinked:   func() any { return new(Linked) },
	KindLease:    func() any { return new(Lease) },
	KindRevoke:   func() any { return new(Revoke) },
	KindGrant:    func() any { return new(Grant) },
	KindProgress: func() any { return new(Progress) },
	KindReport:   func() any { return new(Report) },
	KindAck:      func() any { return new(struct{}) },
	KindError:    func() any { return new(Error) },
}

// Encode makes one message. Body may be nil.
func Encode(kind Kind, id, ack uint64, body any) ([]byte, error) {
	env := Envelope{Kind: kind, ID: id, Ack: ack}
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", kind, err)
		}
		env.Body = raw
	}
	text, err := json.Marshal(env)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", kind, err)
	}
	if len(text) > MaxMessageBytes {
		return nil, refuse(CodeTooLarge, "%s of %d bytes, limit %d", kind, len(text), MaxMessageBytes)
	}
	return text, nil
}

// Decode reads one message and returns its envelope and its body, a pointer to
// the struct that belongs to its kind, checked against every limit. Every error
// is a *RefusedError.
func Decode(text []byte) (Envelope, any, error) {
	var env Envelope
	if len(text) > MaxMessageBytes {
		return env, nil, refuse(CodeTooLarge, "message of %d bytes, limit %d", len(text), MaxMessageBytes)
	}
	if !utf8.Valid(text) {
		return env, nil, refuse(CodeProtocol, "message is not UTF-8")
	}
	if err := json.Unmarshal(text, &env); err != nil {
		return env, nil, refuse(CodeProtocol, "message is not valid: %v", err)
	}
	newBody, known := bodies[env.Kind]
	if !known {
		return env, nil, refuse(CodeUnknownType, "message type %.40q is not known", env.Kind)
	}
	body := newBody()
	if len(env.Body) > 0 {
		if err := json.Unmarshal(env.Body, body); err != nil {
			return env, nil, refuse(CodeProtocol, "%s is not valid: %v", env.Kind, err)
		}
	} else if reflect.TypeOf(body).Elem().NumField() > 0 && env.Kind != KindRenew {
		return env, nil, refuse(CodeProtocol, "%s has no body", env.Kind)
	}
	if c, ok := body.(interface{ Check() error }); ok {
		if err := c.Check(); err != nil {
			refused := new(RefusedError)
			if errors.As(err, &refused) {
				return env, nil, err
			}
			return env, nil, refuse(CodeProtocol, "%s: %v", env.Kind, err)
		}
	}
	return env, body, nil
}

// Limits of single fields.
const (
	maxSoftwareBytes = 128
	maxNameBytes     = 128
	maxSessionBytes  = 64
	maxSubnets       = 16
	maxHeadBytes     = 8 << 10
	maxLinkBytes     = 64
	maxURLBytes      = 2048
	maxLeaseStates   = 16
	maxICE           = 8
)

func text(what, s string, limit int) error {
	if len(s) > limit {
		return refuse(CodeTooLarge, "%s of %d bytes, limit %d", what, len(s), limit)
	}
	return nil
}

func count(what string, n, limit int) error {
	if n > limit {
		return refuse(CodeTooLarge, "%d %s, limit %d", n, what, limit)
	}
	return nil
}

// Check reports what is wrong with a hello.
func (h *Hello) Check() error {
	if h.Version < 1 {
		return errors.New("version must be at least 1")
	}
	switch h.Device {
	case "", DeviceAgent, DeviceKiosk, DeviceBrowser:
	default:
		return fmt.Errorf("device %.40q is not known", h.Device)
	}
	for _, s := range h.Subnets {
		if err := text("subnet", s, 64); err != nil {
			return err
		}
	}
	return errors.Join(text("session", h.Session, maxSessionBytes), text("software", h.Software, maxSoftwareBytes),
		text("name", h.Name, maxNameBytes), count("subnets", len(h.Subnets), maxSubnets))
}

// Check reports what is wrong with a welcome.
func (w *Welcome) Check() error {
	if w.Version < 1 || w.Version > Version {
		return fmt.Errorf("version %d is not spoken here", w.Version)
	}
	return errors.Join(text("session", w.Session, maxSessionBytes), count("ICE servers", len(w.ICE), maxICE), w.Endpoint.Check())
}

// Check reports what is wrong with a flow.
func (f *Flow) Check() error {
	switch f.Priority {
	case High, Normal, Low:
	default:
		return fmt.Errorf("priority %.20q is not known", f.Priority)
	}
	return text("head", string(f.Head), maxHeadBytes)
}

// Check reports what is wrong with a list of flows.
func (f *Flows) Check() error { return count("flows", len(f.IDs), MaxFlows) }

// Check reports what is wrong with a dial.
func (d *Dial) Check() error { return errors.Join(d.Peer.Check(), attempt(d.Attempt)) }

func attempt(n int) error {
	if n < 0 || n > 1000 {
		return fmt.Errorf("attempt %d is out of range", n)
	}
	return nil
}

// Check reports what is wrong with a hang-up.
func (h *HangUp) Check() error { return h.Peer.Check() }

// Check reports what is wrong with a signal.
func (s *Signal) Check() error {
	set := 0
	for _, d := range []*Description{s.Offer, s.Answer} {
		if d == nil {
			continue
		}
		set++
		if err := text("session description", d.SDP, MaxSDPBytes); err != nil {
			return err
		}
		if len(d.Statement.Key) > 64 || len(d.Statement.Signature) > 128 {
			return errors.New("statement is too long")
		}
	}
	for _, s := range []string{s.Candidate, s.Refused} {
		if s != "" {
			set++
		}
	}
	if set != 1 {
		return errors.New("exactly one of offer, answer, candidate, refused is needed")
	}
	if s.From != "" {
		if err := s.From.Check(); err != nil {
			return err
		}
	}
	return errors.Join(s.To.Check(), attempt(s.Attempt), text("link", s.Link, maxLinkBytes),
		text("candidate", s.Candidate, MaxCandidateBytes), text("reason", s.Refused, MaxReasonBytes))
}

// Check reports what is wrong with a link report.
func (l *Linked) Check() error {
	return errors.Join(l.Peer.Check(), attempt(l.Attempt), text("reason", l.Reason, MaxReasonBytes))
}

// Check reports what is wrong with a lease.
func (l *Lease) Check() error {
	if l.From < 0 || l.To < l.From || l.TTLMs < 0 {
		return errors.New("range or time is negative")
	}
	if err := errors.Join(count("parts", len(l.Parts), MaxLeaseParts), text("url", l.URL, maxURLBytes)); err != nil || l.Body {
		return err
	}
	sum := int64(0)
	for _, p := range l.Parts {
		if p.Length == 0 || p.Length > content.MaxChunkBytes+1024 {
			return fmt.Errorf("part of %d bytes", p.Length)
		}
		sum += int64(p.Length)
	}
	if sum != l.To-l.From {
		return fmt.Errorf("parts of %d bytes in a range of %d", sum, l.To-l.From)
	}
	return nil
}

// Check reports what is wrong with a grant.
func (g *Grant) Check() error {
	if g.BytesPerSecond < Unlimited || g.ValidMs < 0 {
		return errors.New("rate or time is negative")
	}
	return nil
}

// Check reports what is wrong with a progress.
func (p *Progress) Check() error {
	for _, n := range []int64{p.Bytes.Origin, p.Bytes.Peer, p.Bytes.Relay, p.Bytes.Reused, p.WAN} {
		if n < 0 {
			return errors.New("a counter is negative")
		}
	}
	for _, b := range p.Have {
		if b.From%8 != 0 || uint64(b.From)+8*uint64(len(b.Bits)) > content.MaxChunks+8 {
			return fmt.Errorf("bits from %d do not fit", b.From)
		}
	}
	for _, l := range p.Leases {
		if err := text("reason", l.Failed, MaxReasonBytes); err != nil {
			return err
		}
	}
	return errors.Join(text("error", p.Error, MaxReasonBytes), text("code", p.Code, 64), count("leases", len(p.Leases), maxLeaseStates))
}

// Check reports what is wrong with a report.
func (r *Report) Check() error {
	if r.Peer != "" {
		if err := r.Peer.Check(); err != nil {
			return err
		}
	}
	return errors.Join(text("code", r.Code, 64), text("detail", r.Detail, MaxReasonBytes))
}
