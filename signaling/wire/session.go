package wire

import (
	"encoding/json"
	"slices"
)

// Outbox numbers the messages of one direction of a session and keeps those the
// other side has not acknowledged, so that a resumed socket repeats exactly what
// was lost. It is not safe for concurrent use. The zero value begins a session.
type Outbox struct {
	last  uint64 // id of the last message added
	kept  []Kept // without gaps, the last one has id last
	bytes int    // in kept bodies
}

// Kept is a message that is not acknowledged yet.
type Kept struct {
	ID   uint64
	Kind Kind
	Body json.RawMessage
}

// Add numbers a message and keeps it; it keeps body too, which must not change
// any more. It reports false, keeping nothing, beyond MaxUnacked or
// MaxUnackedBytes: the other side is gone or can't keep up.
func (o *Outbox) Add(kind Kind, body json.RawMessage) bool {
	if len(o.kept) >= MaxUnacked || o.bytes+len(body) > MaxUnackedBytes {
		return false
	}
	o.last++
	o.bytes += len(body)
	o.kept = append(o.kept, Kept{o.last, kind, body})
	return true
}

// Acked forgets the messages up to id. An id that was never given out breaks the
// protocol.
func (o *Outbox) Acked(id uint64) error {
	if id > o.last {
		return refuse(CodeProtocol, "message %d acknowledged, %d were sent", id, o.last)
	}
	n := len(o.kept) - int(min(o.last-id, uint64(len(o.kept))))
	for i := range o.kept[:n] {
		o.bytes -= len(o.kept[i].Body)
	}
	if o.kept = slices.Delete(o.kept, 0, n); len(o.kept) == 0 {
		o.kept = nil // an idle session keeps no memory
	}
	return nil
}

// After returns the first kept message with an id above sent, which is what a
// socket that has carried everything up to sent carries next.
func (o *Outbox) After(sent uint64) (Kept, bool) {
	if len(o.kept) == 0 || sent >= o.last {
		return Kept{}, false
	}
	return o.kept[len(o.kept)-int(min(o.last-sent, uint64(len(o.kept))))], true
}

// Unacked returns what a resumed socket repeats, oldest first. It aliases the
// Outbox.
func (o *Outbox) Unacked() []Kept { return o.kept }

// Inbox drops messages of the other direction that came twice, and remembers
// what to acknowledge. It is not safe for concurrent use. The zero value begins a
// session.
type Inbox struct {
	last  uint64 // highest id received
	acked uint64 // highest id told to the other side
}

// Take reports whether the message with this id is new. Ids follow each other
// without gaps within a session, so a gap breaks the protocol. Id 0 is outside
// the session and always new.
func (i *Inbox) Take(id uint64) (fresh bool, err error) {
	switch {
	case id == 0:
		return true, nil
	case id <= i.last:
		return false, nil
	case id != i.last+1:
		return false, refuse(CodeProtocol, "message %d came after %d", id, i.last)
	}
	i.last = id
	return true, nil
}

// Ack returns the id to acknowledge in the message that is about to be sent.
func (i *Inbox) Ack() uint64 {
	i.acked = i.last
	return i.last
}

// Owed is how many messages wait for an acknowledgement.
func (i *Inbox) Owed() uint64 { return i.last - i.acked }
