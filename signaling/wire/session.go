package wire

import "encoding/json"

// Outbox numbers the messages of one direction of a session and keeps those the
// other side has not acknowledged, so that a resumed socket repeats exactly what
// was lost. It is not safe for concurrent use.
type Outbox struct {
	next uint64 // id of the last message made
	kept []Kept
}

// Kept is an unacknowledged message.
type Kept struct {
	ID   uint64
	Kind Kind
	Body json.RawMessage
}

// Add numbers a message and keeps it. It reports false when MaxUnacked are kept
// already: the other side is gone or can't keep up.
func (o *Outbox) Add(kind Kind, body json.RawMessage) (Kept, bool) {
	if len(o.kept) >= MaxUnacked {
		return Kept{}, false
	}
	o.next++
	k := Kept{o.next, kind, body}
	o.kept = append(o.kept, k)
	return k, true
}

// Acked forgets the messages up to id.
func (o *Outbox) Acked(id uint64) {
	n := 0
	for n < len(o.kept) && o.kept[n].ID <= id {
		n++
	}
	if n == len(o.kept) {
		o.kept = nil
		return
	}
	o.kept = o.kept[n:]
}

// Unacked returns what to repeat on a resumed socket, oldest first.
func (o *Outbox) Unacked() []Kept { return o.kept }

// Inbox drops messages of the other direction that came twice, and remembers
// what to acknowledge. It is not safe for concurrent use.
type Inbox struct {
	last  uint64 // highest id received
	acked uint64 // highest id told to the other side
}

// Take reports whether a message with this id is new. Ids follow each other
// without gaps within a session; ErrGap means that messages were lost.
func (i *Inbox) Take(id uint64) (fresh bool, err error) {
	switch {
	case id == 0:
		return true, nil
	case id <= i.last:
		return false, nil
	case id != i.last+1:
		return false, refuse(CodeProtocol, "message %d after %d", id, i.last)
	}
	i.last = id
	return true, nil
}

// Ack returns the id to acknowledge with the next message sent.
func (i *Inbox) Ack() uint64 {
	i.acked = i.last
	return i.last
}

// Owed is how many messages wait for an acknowledgement.
func (i *Inbox) Owed() uint64 { return i.last - i.acked }
