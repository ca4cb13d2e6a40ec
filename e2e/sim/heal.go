package sim

import (
	"strconv"
	"time"
)

// HealAll mends everything that is broken, starts everything that is off, and
// orders nothing new: from here on everybody has to become complete.
func (w *World) HealAll() {
	w.Tell("everything is healed")
	if !w.ServerUp() {
		w.StartServer()
	}
	for _, s := range w.Sites {
		s.heal()
	}
}

func (s *Site) heal() {
	if !s.Connected() {
		s.Reconnect()
	}
	if !s.wan.serving {
		s.Origin(true)
	}
	for _, v := range Versions() {
		if f := s.flow(v); f != nil && f.Paused {
			s.Pause(v, false)
		}
	}
	if s.want.cap != newDesired().cap {
		s.Limit(newDesired().cap)
	}
	for i, e := range s.Endpoints {
		for _, other := range s.Endpoints[i+1:] {
			if s.w.Blocked(e, other) {
				s.w.Block(e, other, false)
			}
		}
		e.heal()
	}
}

func (e *Endpoint) heal() {
	if !e.Running() {
		e.Start()
	}
	for _, t := range Troubles {
		if e.In(t) {
			e.Get(t, false)
		}
	}
}

// Incomplete lists what is still missing where.
func (w *World) Incomplete() (missing []string) {
	for _, s := range w.Sites {
		for _, v := range Versions() {
			for _, e := range s.Endpoints {
				if s.Wants(v) && !e.Complete(v) {
					n, _ := e.store.state(v.spec.ID)
					missing = append(missing, e.Name+" lacks "+v.Name+" ("+strconv.Itoa(int(n))+" chunks of "+strconv.Itoa(int(v.spec.Head.Chunks))+")")
				}
			}
		}
	}
	return missing
}

// Finish passes time until everybody is complete, at most so long, and reports
// whether that was reached.
func (w *World) Finish(limit time.Duration) bool {
	const step = time.Second
	for passed := time.Duration(0); passed < limit; passed += step {
		if len(w.Incomplete()) == 0 {
			return true
		}
		w.Pass(step)
	}
	return len(w.Incomplete()) == 0
}
