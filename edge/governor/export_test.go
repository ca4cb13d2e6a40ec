package governor

import (
	"context"
	"time"
)

// NewBase knows a round trip from earlier, 0 for none.
func NewBase(known time.Duration) *BaseDelay { return &BaseDelay{known: known} }

// Probing runs probes as the governor's loop does, without a governor.
type Probing struct {
	p *probes
	// Found hears each queue that the reflector in use shows; nil: nobody does.
	Found func(reflector string, queue time.Duration)
}

// NewProbing opens what cfg says.
func NewProbing(ctx context.Context, cfg Config, further []string, known map[string]time.Duration) *Probing {
	return &Probing{p: newProbes(ctx, time.Now(), cfg, further, known)}
}

// For probes for a while.
func (p *Probing) For(d time.Duration) {
	end := time.NewTimer(d)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-end.C:
			return
		case r := <-p.p.replies:
			if queue, ok := p.p.heard(time.Now(), r); ok && p.Found != nil {
				p.Found(p.p.name(), queue.queue)
			}
		case <-ticker.C:
			p.p.send(time.Now())
		}
	}
}

// Active is the reflector in use.
func (p *Probing) Active() string { return p.p.name() }

// Bases is what is known of all, in microseconds.
func (p *Probing) Bases() map[string]int64 { return p.p.bases() }

// Waiting is how many probes an answer is waited for.
func (p *Probing) Waiting() int { return len(p.p.sent) }

// Close ends probing and waits for it.
func (p *Probing) Close() { p.p.close() }
