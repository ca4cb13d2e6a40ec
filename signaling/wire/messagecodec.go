package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// A RefusedError says why a message or session was refused. Code is one of the
// codes in this package or, from a newer build, another one.
type RefusedError struct {
	Code   string
	Detail string // for a person
}

func (e *RefusedError) Error() string { return e.Code + ": " + e.Detail }

func refuse(code, format string, args ...any) error {
	return &RefusedError{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// A checker is a body that knows what may stand in it.
type checker interface{ Check() error }

// newBody makes the typed body of each kind; ack has none.
var newBody = map[Kind]func() checker{
	KindHello:    func() checker { return new(Hello) },
	KindWelcome:  func() checker { return new(Welcome) },
	KindRenew:    func() checker { return new(Renew) },
	KindTrust:    func() checker { return new(Trust) },
	KindFlow:     func() checker { return new(Flow) },
	KindFlows:    func() checker { return new(Flows) },
	KindObeyed:   func() checker { return new(Obeyed) },
	KindStock:    func() checker { return new(Stock) },
	KindDial:     func() checker { return new(Dial) },
	KindVisiting: func() checker { return new(Visiting) },
	KindHangUp:   func() checker { return new(HangUp) },
	KindSignal:   func() checker { return new(Signal) },
	KindLinked:   func() checker { return new(Linked) },
	KindLease:    func() checker { return new(Lease) },
	KindRevoke:   func() checker { return new(Revoke) },
	KindGovern:   func() checker { return new(Govern) },
	KindGrant:    func() checker { return new(Grant) },
	KindTaken:    func() checker { return new(Taken) },
	KindPace:     func() checker { return new(Pace) },
	KindGoverned: func() checker { return new(Governed) },
	KindProgress: func() checker { return new(Progress) },
	KindExamine:  func() checker { return new(Examine) },
	KindExamined: func() checker { return new(Examined) },
	KindReport:   func() checker { return new(Report) },
	KindAck:      nil,
	KindError:    func() checker { return new(Error) },
}

// EncodeBody makes the body of a message. It refuses what the other side would
// refuse, so that a mistake shows where it is made.
func EncodeBody(kind Kind, body any) (json.RawMessage, error) {
	if c, ok := body.(checker); ok {
		if err := c.Check(); err != nil {
			return nil, fmt.Errorf("encode %s: %w", kind, err)
		}
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", kind, err)
	}
	if len(raw) > MaxMessageBytes-envelopeBytes {
		return nil, refuse(CodeTooLarge, "%s of %d bytes, limit %d", kind, len(raw), MaxMessageBytes-envelopeBytes)
	}
	return raw, nil
}

// envelopeBytes is more than an envelope without its body ever takes.
const envelopeBytes = 128

// LooksLike guesses of what kind a message is, before it is read: it is as we write it.
func LooksLike(text []byte, kind Kind) bool {
	rest, found := bytes.CutPrefix(text, []byte(`{"type":"`))
	return found && bytes.HasPrefix(rest, []byte(kind)) && bytes.HasPrefix(rest[len(kind):], []byte(`"`))
}

// Encode makes one message. Body may be nil, or come from [EncodeBody].
func Encode(kind Kind, id, ack uint64, body any) ([]byte, error) {
	raw, done := body.(json.RawMessage)
	if body != nil && !done {
		var err error
		if raw, err = EncodeBody(kind, body); err != nil {
			return nil, err
		}
	}
	text, err := json.Marshal(Envelope{Kind: kind, ID: id, Ack: ack, Body: raw})
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", kind, err)
	}
	return text, nil
}

// Decode reads one message and returns its envelope and its body: a pointer to
// the struct that belongs to its kind, checked against every limit, or nil for an
// ack. Every error is a *RefusedError.
func Decode(text []byte) (Envelope, any, error) {
	var env Envelope
	if len(text) > MaxMessageBytes {
		return env, nil, refuse(CodeTooLarge, "message of %d bytes, limit %d", len(text), MaxMessageBytes)
	}
	if !utf8.Valid(text) {
		return env, nil, refuse(CodeProtocol, "message is not UTF-8")
	}
	if err := json.Unmarshal(text, &env); err != nil {
		return env, nil, refuse(CodeProtocol, "message: %v", err)
	}
	if env.ID > MaxNumber || env.Ack > MaxNumber {
		return env, nil, refuse(CodeProtocol, "id or ack is beyond %d", uint64(MaxNumber))
	}
	fresh, known := newBody[env.Kind]
	if !known {
		return env, nil, refuse(CodeUnknownType, "message type %.40q is not known", env.Kind)
	}
	if fresh == nil {
		return env, nil, nil
	}
	body := fresh()
	if err := decodeBody(env, body); err != nil {
		return env, nil, err
	}
	return env, body, nil
}

func decodeBody(env Envelope, body checker) error {
	switch {
	case len(env.Body) > 0 && env.Body[0] == '{':
		if err := json.Unmarshal(env.Body, body); err != nil {
			return refuse(CodeProtocol, "%s: %v", env.Kind, err)
		}
	case len(env.Body) > 0 || env.Kind != KindRenew:
		return refuse(CodeProtocol, "%s without a body", env.Kind)
	}
	err := body.Check()
	refused := new(RefusedError)
	if err == nil || errors.As(err, &refused) {
		return err
	}
	return refuse(CodeProtocol, "%s: %v", env.Kind, err)
}
