package netlab

import (
	"math"
	"testing"
	"time"
)

// dropsOf lists when a queue dropped.
func (tr *trial) dropsOf(from int) (at []time.Duration) {
	for _, g := range tr.gone {
		if g.from == from && g.why == dropped {
			at = append(at, g.at)
		}
	}
	return at
}

func TestCoDelDropsByItsControlLaw(t *testing.T) {
	// A frame takes the wire each millisecond, and three come in two.
	tr := newTrial(t, Link{Rate: 8e6, AQM: CoDel, Queue: 1 << 22})
	tr.flood(0, 3*time.Second, 667*time.Microsecond, 1000)
	// The frame that first waited 5 ms begins the interval.
	first := time.Duration(0)
	for _, a := range tr.out {
		if start := a.at - time.Millisecond; start-a.came >= 5*time.Millisecond {
			first = start
			break
		}
	}
	drops := tr.dropsOf(1)
	if len(drops) < 50 || first == 0 {
		t.Fatalf("%d drops of an overload of three seconds, the first wait of 5 ms at %v", len(drops), first)
	}
	// RFC 8289: the first an interval later, the next at the interval over the root of
	// the count; each at the first frame that takes the wire at or after that.
	want := float64(first + 100*time.Millisecond)
	for i, got := range drops {
		if off := float64(got) - want; off < -1e3 || off >= 1.001e6 {
			t.Fatalf("drop %d at %v, the law says %v and less than a frame later", i+1, got, time.Duration(want))
		}
		if i == 0 {
			want = float64(got)
		}
		want += 1e8 / math.Sqrt(float64(i+1))
	}
}

func TestCoDelLeavesShortQueuesAlone(t *testing.T) {
	tr := newTrial(t, Link{Rate: 8e6, AQM: CoDel})
	for burst := range time.Duration(100) { // 50 ms to send, then 50 of rest: no wait lasts 100
		for range 50 {
			tr.send(burst*100*time.Millisecond, 1, 1000)
		}
	}
	tr.drain()
	if len(tr.gone) > 0 {
		t.Errorf("%d frames were dropped from bursts, the first at %v", len(tr.gone), tr.gone[0].at)
	}
	// One frame that waits for another is no queue, however slow the wire.
	tr = newTrial(t, Link{Rate: 80_000, AQM: CoDel})
	tr.send(0, 1, 1000)
	tr.flood(0, 10*time.Second, 100*time.Millisecond, 1000)
	tr.drain()
	if len(tr.gone) > 0 {
		t.Errorf("%d frames were dropped from a queue of one", len(tr.gone))
	}
}

func TestCoDelGoesOnWhereItEndedWhenTheQueueSoonComesBack(t *testing.T) {
	var q backlog
	var c codel
	gone := 0
	forget := func(packet, fate) { gone++ }
	now := int64(0)
	// standing has frames of a queue that waited as long as given take the wire, one
	// every millisecond, for a while.
	standing := func(wait, while time.Duration) {
		for end := now + int64(while); now < end; now += 1e6 {
			for q.len() < 10 {
				q.push(packet{bytes: make([]byte, 1000)})
			}
			for i := range q.len() {
				q.at(i).came = now - int64(wait)
			}
			if _, ok := c.pop(now, &q, forget); !ok {
				t.Fatalf("nothing is sent from a standing queue at %v", time.Duration(now))
			}
		}
	}
	standing(20*time.Millisecond, 2*time.Second)
	needed := c.count
	if needed < 20 || gone != needed {
		t.Fatalf("%d drops in two seconds, counted as %d", gone, needed)
	}
	standing(time.Millisecond, 200*time.Millisecond)
	if c.dropping {
		t.Fatal("a short queue is still dropped from")
	}
	standing(20*time.Millisecond, 102*time.Millisecond)
	if c.count != needed-1 {
		t.Errorf("dropping goes on as after %d drops, want %d", c.count, needed-1)
	}
	standing(time.Millisecond, 4*time.Second) // more than 16 intervals
	standing(20*time.Millisecond, 102*time.Millisecond)
	if c.count != 1 {
		t.Errorf("dropping begins as after %d drops long after the last, want 1", c.count)
	}
}

func TestCoDelRefusesWhatFindsNoRoom(t *testing.T) {
	tr := newTrial(t, Link{Rate: 8e6, Queue: 10_000, AQM: CoDel})
	for range 100 {
		tr.send(0, 1, 1000)
	}
	if len(tr.gone) != 90 || tr.gone[0].id != 10 {
		t.Errorf("%d of 100 frames were refused by a queue of ten", len(tr.gone))
	}
}

// contend has conversation 1 flood a link of one frame a millisecond with full frames
// and conversation 2 with small ones, both above it, and returns what each got in the
// second half.
func contend(t *testing.T, aqm AQM) (one, two int) {
	t.Helper()
	tr := newTrial(t, Link{Rate: 8 * 1514e3, Queue: 200_000, AQM: aqm})
	for at := time.Duration(0); at < 4*time.Second; at += 250 * time.Microsecond {
		tr.send(at, 1, 1514)
		for range 3 {
			tr.send(at, 2, 300)
		}
	}
	half := 0
	for half < len(tr.out) && tr.out[half].at < 2*time.Second {
		half++
	}
	return sum(tr.out[half:], 1), sum(tr.out[half:], 2)
}

func TestFairQueuesGiveConversationsEqualBytes(t *testing.T) {
	for _, aqm := range []AQM{FairQueue, FQCoDel} {
		one, two := contend(t, aqm)
		// Deficit round robin: never further apart than a quantum and a frame each.
		if off := max(one, two) - min(one, two); off > 2*(quantum+maxFrame) {
			t.Errorf("%v: conversations got %d and %d bytes", aqm, one, two)
		}
		if all := one + two; all < 2000*1514-2*maxFrame {
			t.Errorf("%v: the wire carried %d bytes in two seconds, want all it can", aqm, all)
		}
	}
	one, two := contend(t, DropTail)
	if off := max(one, two) - min(one, two); off < (one+two)/10 {
		t.Errorf("drop-tail gave %d and %d bytes, which shows that the load proves nothing", one, two)
	}
}

func TestSparseConversationWaitsForNobodysQueue(t *testing.T) {
	const frame = time.Millisecond // of a full frame
	for aqm, most := range map[AQM]time.Duration{
		FairQueue: 4 * frame, // the frame on the wire and a turn of each flood
		FQCoDel:   frame,     // only the frame on the wire
	} {
		tr := newTrial(t, Link{Rate: 8 * 1514e3, Queue: 200_000, AQM: aqm})
		for at := time.Duration(0); at < 4*time.Second; at += 250 * time.Microsecond {
			for _, flood := range []int{1, 3, 4} {
				tr.send(at, flood, 1514)
			}
			if at > 0 && at%(20*time.Millisecond+250*time.Microsecond) == 0 { // at 0 the floods are as fresh
				tr.send(at, 2, 200)
			}
		}
		tr.drain()
		own := 200 * frame / 1514
		heard, worst := 0, time.Duration(0)
		for _, a := range tr.out {
			if a.from == 2 {
				heard, worst = heard+1, max(worst, a.at-a.came-own)
			}
		}
		if worst > most+time.Microsecond {
			t.Errorf("%v: a sparse conversation waited %v beside a flood, want at most %v", aqm, worst, most)
		}
		if heard < 195 || len(tr.dropsOf(2)) > 0 {
			t.Errorf("%v: %d sparse packets came out, %d were dropped", aqm, heard, len(tr.dropsOf(2)))
		}
		if len(tr.dropsOf(1)) == 0 {
			t.Errorf("%v: floods of twelve times the rate lost nothing", aqm)
		}
	}
}

func TestFairQueuePushesOutTheHeadOfTheLongest(t *testing.T) {
	tr := newTrial(t, Link{Rate: 8e6, Queue: 10_000, AQM: FairQueue})
	for range 10 { // 0 takes the wire, which leaves 1 to 9
		tr.send(0, 1, 1000)
	}
	tr.send(0, 2, 1000)
	tr.send(0, 2, 1000)
	if len(tr.gone) != 2 || tr.gone[0].id != 1 || tr.gone[1].id != 2 {
		t.Errorf("gone is %+v, want frames 1 and 2 of the longest queue", tr.gone)
	}
	tr.drain()
	if len(tr.out) != 10 || tr.out[1].from == tr.out[2].from {
		t.Errorf("came out: %+v, want both conversations in turn", tr.out)
	}
}

func TestFreshConversationIsFreshOnlyOnceARound(t *testing.T) {
	// Conversations 2 and 3 have one packet each in turn, which together would fill the
	// wire; each has nothing left when it is looked at next. They must not keep 1,
	// which waits, from its turn.
	tr := newTrial(t, Link{Rate: 8e6, Queue: 1 << 20, AQM: FQCoDel})
	for range 90 { // too few to wait long enough for CoDel
		tr.send(0, 1, 1000)
	}
	for at := 4500 * time.Microsecond; at < 90*time.Millisecond; at += 2 * time.Millisecond {
		tr.send(at, 2, 1000)
		tr.send(at+time.Millisecond, 3, 1000)
	}
	if got, all := sum(tr.out, 1), sum(tr.out, 2)+sum(tr.out, 3); got < all/3 {
		t.Errorf("the waiting conversation got %d bytes, those that are fresh again and again %d", got, all)
	}
}

func TestFQCoDelKeepsEachQueueShort(t *testing.T) {
	// Two unresponsive floods of 0.55 of the wire each: CoDel drops the tenth too many
	// and keeps the wait far below what the queue could hold.
	tr := newTrial(t, Link{Rate: 8e6, AQM: FQCoDel})
	for at := time.Duration(0); at < 20*time.Second; at += 1818 * time.Microsecond {
		tr.send(at, 1, 1000)
		tr.send(at, 2, 1000)
	}
	tr.drain()
	worst := time.Duration(0)
	for _, a := range tr.out {
		if a.at > 10*time.Second {
			worst = max(worst, a.at-a.came)
		}
	}
	if worst > 200*time.Millisecond {
		t.Errorf("a packet waited %v once CoDel had its rate of drops", worst)
	}
	if n, m := len(tr.dropsOf(1)), len(tr.dropsOf(2)); n == 0 || m == 0 {
		t.Errorf("%d and %d drops, want some of each", n, m)
	}
}
