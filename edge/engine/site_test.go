package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// said returns the messages of a type that were sent to the server.
func said[T any](s *stand) (out []T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.sent {
		if m, ok := m.(T); ok {
			out = append(out, m)
		}
	}
	return out
}

// At another site, and in quarantine, nothing goes on of what belongs to the site before:
// no link, and no lease, whose number may be another's there.
func TestAtAnotherSiteLinksAndLeasesEnd(t *testing.T) {
	for name, next := range map[string]wire.Welcome{
		"another site": {Epoch: 1, Site: "other"},
		"quarantine":   {Epoch: 1, Quarantine: "nobody knows this network"},
	} {
		t.Run(name, func(t *testing.T) {
			onOrphan(t, func(s *stand, p *peer, ended func() time.Duration) {
				s.joins(p, 3)
				time.Sleep(1100 * time.Millisecond)
				synctest.Wait() // what was said of it before does not count
				s.mu.Lock()
				s.sent = nil
				s.mu.Unlock()
				s.eng.Disconnected()
				s.eng.Connected(next)
				if got := ended(); got != 1100*time.Millisecond {
					t.Errorf("the fetch ended after %v, want at once", got)
				}
				p.mu.Lock()
				closed := p.closed
				p.mu.Unlock()
				if closed == "" {
					t.Error("the link is still there")
				}
				time.Sleep(time.Minute)
				for _, progress := range said[wire.Progress](s) {
					if len(progress.Leases) > 0 {
						t.Errorf("the server hears of a lease of the site before: %+v", progress.Leases)
					}
				}
				if links := said[wire.Linked](s); len(links) > 0 {
					t.Errorf("the server hears of links of the site before: %+v", links)
				}
				status, err := s.eng.Status(context.Background())
				if err != nil || status.Site != next.Site || status.Quarantine != next.Quarantine || len(status.Links) != 0 || len(status.Flows) != 1 {
					t.Errorf("status %+v (%v), want the new site, no link, and what is held", status, err)
				}
			})
		})
	}
}

func TestAtTheSameSiteLinksAndLeasesGoOn(t *testing.T) {
	onOrphan(t, func(s *stand, p *peer, ended func() time.Duration) {
		s.eng.Disconnected()
		s.eng.Connected(wire.Welcome{Epoch: 1, Site: "shop"})
		if got := ended(); got != 0 {
			t.Errorf("the fetch ended after %v", got)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.closed != "" {
			t.Errorf("the link was closed: %s", p.closed)
		}
	})
}
