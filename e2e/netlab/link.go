package netlab

import (
	"fmt"
	"time"
)

// Link is one direction of a cable. Packets meet its parts in this order: loss,
// policer, queue, the wire at its rate, and then the way to the far end with delay,
// jitter and reordering.
type Link struct {
	Rate int64 // bits per second, Ethernet frames included; 0 is unshaped
	// Queue is how many bytes may wait, the frame on the wire among them. 0 is 50 ms
	// at Rate, and a second at Rate where CoDel keeps the queue short by itself.
	Queue int
	AQM   AQM           // what is dropped, and whose turn it is
	Delay time.Duration // one way, on top of the queue's
	Loss  float64       // probability that a packet is lost
	// LossRun is the mean number of packets that are lost one after another (the model
	// of Gilbert and Elliott with a good state that loses nothing and a bad state that
	// loses all). Loss stays the mean share. 0 loses each packet by itself.
	LossRun float64
	// Jitter is the most that a packet is delayed further: the absolute value of a
	// normal distribution whose standard deviation is a third of Jitter, cut off at
	// Jitter. Its mean is 0.27 of Jitter, and 95 % are within 0.65. It reorders nothing:
	// a packet that would overtake waits for the one before it, so that close packets
	// come out in bunches, and later on average than far ones.
	Jitter  time.Duration
	Policer Policer
	Reorder Reorder
	Flap    Flap
}

// AQM is how a queue is managed.
type AQM uint8

const (
	// DropTail has one queue that refuses what it has no room for.
	DropTail AQM = iota
	// CoDel has one queue and drops at its head once packets waited longer than 5 ms
	// for 100 ms (RFC 8289, without ECN). What finds no room is refused.
	CoDel
	// FairQueue serves the packets of each conversation (addresses, protocol, ports) in
	// turn, by deficit round robin. What finds no room pushes out the head of the
	// longest queue.
	FairQueue
	// FQCoDel is a fair queue with CoDel in each of its queues, where a conversation
	// that had nothing waiting goes first (RFC 8290, without ECN).
	FQCoDel
)

// String is the name that operators know the kind by.
func (a AQM) String() string {
	switch a {
	case DropTail:
		return "drop-tail"
	case CoDel:
		return "codel"
	case FairQueue:
		return "fair-queue"
	case FQCoDel:
		return "fq-codel"
	}
	return fmt.Sprintf("aqm %d", uint8(a))
}

// Policer is a token bucket that drops what exceeds it and lets nothing wait.
type Policer struct {
	Rate  int64 // bits per second, Ethernet frames included; 0 is no policer
	Burst int   // bytes that may come at once after a pause
}

// Reorder holds a share of the packets back, so that those behind overtake them.
type Reorder struct {
	Share float64       // probability that a packet is held back
	By    time.Duration // how long
}

// Flap has a link work for Up, then stand still for Down, and so on, from when it
// was made or last changed. What comes while it stands waits in the queue, as before
// a radio link that is gone for a moment, and is dropped where the queue is full;
// what was on its way arrives. [Site.CutWAN] is the cable that loses what it is given.
type Flap struct {
	Up, Down time.Duration // both, or neither
}

// Both is the WAN that has the same link in both directions.
func Both(l Link) WAN { return WAN{Down: l, Up: l} }

// Backlog is how many bytes a link of rate bits per second sends in d: the size
// of a queue that holds d's worth.
func Backlog(rate int64, d time.Duration) int {
	return int(float64(rate) / 8 * d.Seconds())
}

// needsEmulator tells whether the link is more than a rate and a drop-tail queue.
func (l Link) needsEmulator() bool {
	return l != Link{Rate: l.Rate, Queue: l.Queue}
}

// queue is the queue in bytes, never too small for the packets of one instant.
func (l Link) queue() int {
	if l.Queue > 0 {
		return l.Queue
	}
	worth := 50 * time.Millisecond
	if l.AQM == CoDel || l.AQM == FQCoDel {
		worth = time.Second
	}
	return max(Backlog(l.Rate, worth), 10*maxFrame)
}

// longest bounds every time of a link.
const longest = 10 * time.Second

func (l Link) check() error {
	switch {
	case badRate(l.Rate):
		return fmt.Errorf("rate of %d bit/s", l.Rate)
	case l.Queue < 0 || (l.Queue > 0 && l.Queue < 2*maxFrame):
		return fmt.Errorf("queue of %d bytes, must hold two packets", l.Queue)
	case l.Delay < 0 || l.Delay > longest:
		return fmt.Errorf("delay of %v", l.Delay)
	case l.Jitter < 0 || l.Jitter > longest:
		return fmt.Errorf("jitter of %v", l.Jitter)
	case l.AQM > FQCoDel:
		return fmt.Errorf("unknown queue management %v", l.AQM)
	case l.AQM != DropTail && l.Rate == 0:
		return fmt.Errorf("%v without a rate, which no queue comes about behind", l.AQM)
	case badRate(l.Policer.Rate):
		return fmt.Errorf("policer of %d bit/s", l.Policer.Rate)
	case l.Policer.Rate > 0 && l.Policer.Burst < maxFrame:
		return fmt.Errorf("policer's burst of %d bytes, must hold a packet", l.Policer.Burst)
	case l.Policer.Rate == 0 && l.Policer.Burst != 0:
		return fmt.Errorf("policer with a burst of %d bytes and no rate", l.Policer.Burst)
	case l.Flap != Flap{} && (l.Flap.Up < time.Millisecond || l.Flap.Down <= 0 || l.Flap.Down > longest):
		return fmt.Errorf("flapping %v up and %v down, must be up for a millisecond", l.Flap.Up, l.Flap.Down)
	}
	return l.checkChances()
}

func (l Link) checkChances() error {
	switch {
	case !isProbability(l.Loss):
		return fmt.Errorf("loss of %g, must be a probability", l.Loss)
	case l.LossRun != 0 && (l.LossRun < 1 || l.LossRun > 1e6):
		return fmt.Errorf("%g packets lost in a row, must be 1 or more", l.LossRun)
	case l.LossRun != 0 && l.Loss > l.LossRun/(l.LossRun+1):
		// At least one packet must arrive between two runs.
		return fmt.Errorf("loss of %g can't come in runs of only %g", l.Loss, l.LossRun)
	case !isProbability(l.Reorder.Share):
		return fmt.Errorf("reordering of %g, must be a probability", l.Reorder.Share)
	case l.Reorder.By < 0 || l.Reorder.By > longest || (l.Reorder.Share > 0) != (l.Reorder.By > 0):
		return fmt.Errorf("reordering of %g by %v, needs both", l.Reorder.Share, l.Reorder.By)
	}
	return nil
}

func badRate(rate int64) bool { return rate < 0 || (rate > 0 && rate < 8*mtu) }

// isProbability is false for what is not a number, too.
func isProbability(p float64) bool { return p >= 0 && p <= 1 }
