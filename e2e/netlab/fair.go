package netlab

const (
	// lanes is how many queues a fair queue has. Conversations that share one by
	// chance share its turn.
	lanes = 1024
	// quantum is how many bytes a lane sends before it is the next one's turn.
	quantum = maxFrame
)

// fair is a queue for each conversation, served in turn by deficit round robin: a
// lane may send while it has credit, and gets a quantum of it each round.
type fair struct {
	drop       drop
	controlled bool // CoDel in each lane, and fresh lanes first
	lanes      [lanes]lane
	fresh, old round
	packets    int
	bytes      int
}

// lane is the queue of a conversation.
type lane struct {
	backlog
	codel  codel
	credit int
	listed bool // in a round
	next   *lane
}

// round are lanes that wait for their turn.
type round struct{ first, last *lane }

func (r *round) append(l *lane) {
	l.next = nil
	if r.first == nil {
		r.first = l
	} else {
		r.last.next = l
	}
	r.last = l
}

func (r *round) shift() *lane {
	l := r.first
	r.first = l.next
	return l
}

func newFair(controlled bool, drop drop) *fair {
	return &fair{drop: drop, controlled: controlled}
}

func (f *fair) waiting() (packets, bytes int) { return f.packets, f.bytes }

func (f *fair) push(p packet, room float64) {
	l := &f.lanes[conversationOf(p.bytes).hash()%lanes]
	l.push(p)
	f.packets, f.bytes = f.packets+1, f.bytes+p.size()
	if !l.listed {
		l.listed, l.credit = true, quantum
		if f.controlled {
			f.fresh.append(l)
		} else {
			f.old.append(l)
		}
	}
	for float64(f.bytes) > room && f.packets > 0 {
		// Its head and not its tail, so that the sender hears of it sooner.
		p := f.longest().pop()
		f.packets, f.bytes = f.packets-1, f.bytes-p.size()
		f.drop(p, dropped)
	}
}

// longest is the lane with the most bytes. Lanes that hold any are in a round.
func (f *fair) longest() (most *lane) {
	for _, r := range []*round{&f.fresh, &f.old} {
		for l := r.first; l != nil; l = l.next {
			if most == nil || l.bytes > most.bytes {
				most = l
			}
		}
	}
	return most
}

func (f *fair) pop(now int64) (packet, bool) {
	for {
		from := &f.fresh
		if from.first == nil {
			from = &f.old
		}
		if from.first == nil {
			return packet{}, false
		}
		if l := from.first; l.credit <= 0 {
			l.credit += quantum
			f.old.append(from.shift())
			continue
		}
		if p, ok := f.take(now, from.first); ok {
			from.first.credit -= p.size()
			return p, true
		}
		// A fresh lane that ran empty must go through the round once, or it would be
		// fresh again with its next packet and keep the others from their turn.
		if l := from.shift(); from == &f.fresh && f.old.first != nil {
			f.old.append(l)
		} else {
			l.listed = false
		}
	}
}

// take removes the packet of a lane that is to be sent at now.
func (f *fair) take(now int64, l *lane) (p packet, ok bool) {
	packets, bytes := l.len(), l.bytes
	switch {
	case f.controlled:
		p, ok = l.codel.pop(now, &l.backlog, f.drop)
	case packets > 0:
		p, ok = l.pop(), true
	}
	f.packets, f.bytes = f.packets-(packets-l.len()), f.bytes-(bytes-l.bytes)
	return p, ok
}
