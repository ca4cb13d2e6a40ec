package site_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/reason"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

var update = flag.Bool("update", false, "write testdata/explain anew")

// forced is a shop in which something is made to happen, whose story is then read.
type forced struct {
	*shop
	away  bool   // the origin does not answer: leases fail
	stuck bool   // nor fail
	apart bool   // nobody gets anything of others
	code  string // with which leases fail
}

// open brings endpoints online that hold nothing.
func (h *forced) open(names ...string) {
	h.t.Helper()
	for _, name := range names {
		h.enter(name, wire.Hello{Version: 1, Device: wire.DeviceAgent})
	}
}

func (h *forced) enter(name string, hello wire.Hello) *end {
	h.t.Helper()
	e := h.shop.end(name)
	e.fake, e.leases, e.known, e.online = h.stand.join(name, hello), nil, map[content.VersionID]wire.Flow{}, true
	h.listen(e)
	for _, spec := range h.specs {
		if _, ok := e.known[spec.ID]; ok {
			h.tell(e, spec.ID)
		}
	}
	return e
}

// goes takes an endpoint offline.
func (h *forced) goes(name string) {
	e := h.end(name)
	e.leave()
	e.online, e.leases = false, nil
}

// holds gives an endpoint some chunks of a flow.
func (h *forced) holds(name string, spec site.FlowSpec, have []uint32) *end {
	e := h.end(name)
	e.bodies[spec.ID] = len(have) > 0
	for _, c := range have {
		e.have[spec.ID].Set(c)
	}
	return e
}

// works lets everybody do what it should for so long: the holder of a lease fetches a chunk
// each half second, and then the others get it of it.
func (h *forced) works(d time.Duration) {
	for range d / (500 * time.Millisecond) {
		for _, name := range h.online() {
			e := h.ends[name]
			h.listen(e)
			h.fetches(e)
		}
		for _, name := range h.online() {
			e := h.ends[name]
			h.listen(e)
			for _, spec := range h.specs {
				if f, ok := e.known[spec.ID]; ok && !f.Paused && !h.apart {
					h.exchange(e, spec.ID)
				} else if ok {
					h.tell(e, spec.ID)
				}
			}
		}
		h.pass(500 * time.Millisecond)
	}
}

// fetches brings the next chunk of the lease that an endpoint works on.
func (h *forced) fetches(e *end) {
	if h.stuck || len(e.leases) == 0 {
		return
	}
	at := 0
	for i, l := range e.leases {
		if e.known[l.Flow].Priority.Class() < e.known[e.leases[at].Flow].Priority.Class() {
			at = i
		}
	}
	l := e.leases[at]
	n := 0
	for n < len(l.Parts) && e.have[l.Flow].Has(l.Parts[n].Chunk) {
		n++
	}
	if h.away {
		e.leases = slices.Delete(e.leases, at, at+1)
		state := failed(l)
		state.Code = h.code
		h.tell(e, l.Flow, state)
		return
	}
	h.fetch(e, at, min(n+1, len(l.Parts)), "")
}

// story reads the story of a flow, with those of the endpoints that the question names.
func (h *forced) story(q site.Question) string {
	h.t.Helper()
	story, err := h.site.Explain(context.Background(), q)
	if err != nil {
		h.t.Fatalf("explain %v: %v", q.Ref, err)
	}
	var b strings.Builder
	if err := story.Write(&b, time.Now(), time.UTC); err != nil {
		h.t.Fatalf("write: %v", err)
	}
	return b.String()
}

type situation struct {
	name string
	q    site.Question
	cfg  func(*site.Config)
	do   func(h *forced, a site.FlowSpec)
}

// situations are what is forced. The story that comes of each is in testdata/explain.
var situations = []situation{
	{name: "one_fetches_for_all", q: site.Question{All: true}, do: func(h *forced, a site.FlowSpec) {
		h.order(a)
		h.open("till", "kiosk")
		h.works(12 * time.Second)
	}},
	{name: "held_off_for_peers", do: func(h *forced, a site.FlowSpec) {
		h.want.HoldOff = 8 * time.Second
		h.order(a)
		h.open("till")
		h.works(15 * time.Second)
	}},
	{name: "paused_and_resumed", q: site.Question{Endpoint: "till"}, do: func(h *forced, a site.FlowSpec) {
		h.order(a)
		h.open("till")
		h.works(3 * time.Second)
		h.order(paused(a))
		h.works(time.Minute)
		h.order(a)
		h.works(4 * time.Second)
	}},
	{name: "publisher_revoked", do: func(h *forced, a site.FlowSpec) {
		h.order(a)
		h.open("till")
		h.works(2 * time.Second)
		h.order(with(a, func(f *site.FlowSpec) {
			f.Paused, f.Distrusted, f.PausedBy = true, true, "key 4f2a91bc was revoked (sitecast resign)"
		}))
		h.works(2 * time.Second)
	}},
	{name: "outside_of_the_window", q: site.Question{Endpoint: "till"}, do: func(h *forced, a site.FlowSpec) {
		h.want.Zone, h.want.Windows = berlin(h.t), windows(h.t, "* 02:00-03:00 open; * closed")
		h.order(a)
		h.open("till")
		h.works(time.Second)
		h.until(time.Date(2000, 1, 1, 0, 59, 59, 0, time.UTC))
		h.works(10 * time.Second)
	}},
	{name: "hour_closed", do: func(h *forced, a site.FlowSpec) {
		h.want.CapHours = rates(h.t, "* 00:00-01:00 0bit; * none")
		h.order(a)
		h.open("till")
		h.works(time.Second)
	}},
	{name: "capped_to_nothing", do: func(h *forced, a site.FlowSpec) {
		h.order(a)
		h.open("till")
		h.works(3 * time.Second)
		h.want.Cap = 0
		h.order(a)
		h.works(20 * time.Second)
	}},
	{name: "allowance_used_up", do: func(h *forced, a site.FlowSpec) {
		h.want.Allowance = 500_000
		h.order(a)
		h.open("till")
		h.works(10 * time.Second)
	}},
	{name: "behind_a_higher_priority", q: site.Question{Endpoint: "till"}, do: func(h *forced, a site.FlowSpec) {
		urgent := with(version("urgent", 20), func(f *site.FlowSpec) { f.Priority = wire.High })
		h.add(urgent)
		h.order(urgent, a)
		h.open("till")
		h.works(20 * time.Second)
	}},
	{name: "server_just_began", cfg: func(c *site.Config) { c.Grace = site.ReturnGrace }, do: func(h *forced, a site.FlowSpec) {
		h.order(a)
		h.open("till")
		h.works(10 * time.Second)
	}},
	{name: "nobody_online", q: site.Question{Endpoint: "till"}, do: func(h *forced, a site.FlowSpec) {
		h.order(a)
		h.pass(time.Hour)
		h.open("till")
		h.works(3 * time.Second)
		h.goes("till")
		h.pass(time.Minute)
	}},
	{name: "fetcher_dies", q: site.Question{All: true}, do: func(h *forced, a site.FlowSpec) {
		h.order(a)
		h.open("till", "kiosk")
		h.works(4 * time.Second)
		h.goes("till")
		h.works(10 * time.Second)
	}},
	{name: "origin_fails", q: site.Question{Endpoint: "till"}, do: func(h *forced, a site.FlowSpec) {
		h.order(a)
		h.open("till")
		h.away = true
		h.works(30 * time.Second)
		h.away = false
		h.works(20 * time.Second)
	}},
	{name: "origin_is_slow", q: site.Question{Endpoint: "till"}, do: func(h *forced, a site.FlowSpec) {
		h.order(a)
		h.open("till")
		h.works(3 * time.Second)
		h.stuck = true
		h.works(15 * time.Second)
	}},
	{name: "all_metered", q: site.Question{All: true}, do: func(h *forced, a site.FlowSpec) {
		h.order(a)
		h.end("till").alter = func(p *wire.Progress) { p.Restraint = &metered }
		h.end("kiosk").alter = func(p *wire.Progress) { p.Restraint = &battery }
		h.open("till", "kiosk")
		h.works(5 * time.Second)
	}},
	{name: "paused_by_its_user", q: site.Question{All: true}, do: func(h *forced, a site.FlowSpec) {
		h.order(a)
		h.end("kiosk").alter = func(p *wire.Progress) { p.Restraint = &resting }
		h.holds("till", a, chunks(0, 10))
		h.apart = true
		h.open("till", "kiosk")
		h.works(5 * time.Second)
	}},
	{name: "disk_full", q: site.Question{All: true}, do: func(h *forced, a site.FlowSpec) {
		h.order(a)
		h.end("kiosk").alter = func(p *wire.Progress) {
			p.Code, p.Error = wire.CodeDiskFull, "no room on the disk: 5.0 MB too little"
		}
		h.open("till", "kiosk")
		h.works(5 * time.Second)
		h.end("kiosk").alter = nil
		h.works(10 * time.Second)
	}},
	{name: "yields_to_others", do: func(h *forced, a site.FlowSpec) {
		h.order(a)
		h.open("till", "kiosk")
		h.works(2 * time.Second)
		h.stuck = true
		for range 4 {
			h.works(time.Second)
			for _, e := range h.ends {
				if e.govern.Holder == e.id {
					e.say(accountOf(e.govern, 900))
				}
			}
		}
		h.stuck = false
		h.works(10 * time.Second)
	}},
	{name: "halted", do: func(h *forced, a site.FlowSpec) {
		h.order(a)
		e := h.enter("till", wire.Hello{Version: 1, Device: wire.DeviceAgent})
		h.works(2 * time.Second)
		e.alter = func(p *wire.Progress) { p.WAN += 8 << 20 }
		h.works(time.Second)
	}},
	{name: "nobody_gets_what_one_holds", q: site.Question{Endpoint: "kiosk"}, do: func(h *forced, a site.FlowSpec) {
		h.order(a)
		h.holds("till", a, chunks(0, 10))
		h.open("till", "kiosk")
		h.apart = true
		h.works(30 * time.Second)
	}},
	{name: "superseded", q: site.Question{Ref: content.Ref{Version: "1"}}, do: func(h *forced, a site.FlowSpec) {
		h.order(a)
		h.open("till")
		h.works(3 * time.Second)
		next := version("a2", 10)
		next.Head.Name, next.Head.Version, next.Head.Serial = "a", "2", 2
		h.add(next)
		h.order(next)
		h.works(3 * time.Second)
	}},
	{name: "purged", do: func(h *forced, a site.FlowSpec) {
		h.order(a)
		h.open("till")
		h.works(10 * time.Second)
		h.want.Purges = []wire.Purge{{Content: "a", Serial: 1, Why: "ann purged a"}}
		h.order()
		h.works(time.Second)
	}},
	{name: "deadline", do: func(h *forced, a site.FlowSpec) {
		h.want.Cap = 8_000 // 10 chunks take two minutes
		h.order(with(a, func(f *site.FlowSpec) { f.ReadyBy = time.Now().Add(time.Minute) }))
		h.open("till")
		h.works(3 * time.Second)
		h.stuck = true
		h.works(time.Minute)
		h.stuck = false
		h.works(20 * time.Second)
	}},
}

// add makes another version known to everybody.
func (h *forced) add(spec site.FlowSpec) {
	h.specs = append(h.specs, spec)
	for _, e := range h.ends {
		e.have[spec.ID], e.count[spec.ID] = content.NewBitmap(spec.Head.Chunks), &wire.Progress{}
	}
}

func TestStoriesOfForcedSituationsAreTold(t *testing.T) {
	for _, c := range slices.Concat(situations, orders) {
		t.Run(c.name, func(t *testing.T) {
			cfg := config("shop-1")
			if c.cfg != nil {
				c.cfg(&cfg)
			}
			onStandOf(t, cfg, func(s *stand) {
				a := version("a", 10)
				h := &forced{shop: &shop{stand: s, specs: []site.FlowSpec{a}, ends: map[string]*end{}}}
				c.do(h, a)
				q := c.q
				q.Name = "a"
				golden(t, c.name, h.story(q))
			})
		})
	}
}

// golden compares a story with what it was.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "explain", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: go test ./signaling/site -run Stories -update makes it", err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Situations in which links do not come up are acted message by message.

func TestStoriesOfLinksAreTold(t *testing.T) {
	for name, do := range map[string]func(s *stand, a site.FlowSpec){
		"relay_origin_unreachable": func(s *stand, a site.FlowSpec) {
			_, b := s.apart(a)
			for range 2 {
				b.report(a, nil, failed(take[wire.Lease](b)[0]))
				s.pass(5 * time.Second)
			}
			b.spends(a, chunks(0, 3), 0, 0, 3*chunkBytes)
			s.pass(time.Second)
		},
		"relay_cheaper": func(s *stand, a site.FlowSpec) {
			_, b := s.apart(a)
			var ended []wire.LeaseState
			for _, l := range take[wire.Lease](b) {
				ended = append(ended, failed(l))
			}
			b.spends(a, chunks(0, 2), 1_000_000, 2*chunkBytes, 0, ended...)
			s.pass(time.Second)
			b.spends(a, chunks(0, 3), 1_000_000, 2*chunkBytes, chunkBytes)
			s.pass(time.Second)
		},
		"several_groups": func(s *stand, a site.FlowSpec) {
			s.order(a)
			members := []*fake{s.join("a2"), s.join("b2")}
			for _, m := range members {
				m.report(a, nil)
			}
			settle(s, members, false)
			for i, m := range members {
				for _, l := range take[wire.Lease](m) {
					if l.Body {
						p := progress(a, nil, done(l))
						p.Body, p.WAN = true, 1000
						m.say(p)
					}
				}
				m.spends(a, chunks(0, uint32(1+i)), int64(1+i)*chunkBytes, int64(1+i)*chunkBytes, 0)
			}
			s.pass(time.Second)
		},
		"relay_udp_blocked": func(s *stand, a site.FlowSpec) {
			s.order(a)
			holder, other, third := s.join("a"), s.join("b"), s.join("c")
			holder.linked(third, true)
			other.linked(third, true)
			other.say(&wire.Linked{Peer: holder.id, Up: true, Relayed: true})
			holder.report(a, chunks(0, 10))
			third.report(a, chunks(0, 10))
			other.report(a, nil)
			s.pass(2 * time.Second)
			other.spends(a, chunks(0, 4), 0, 0, 4*chunkBytes)
			s.pass(time.Second)
		},
		"no_link": func(s *stand, a site.FlowSpec) {
			s.order(a)
			holder, other := s.join("a"), s.join("b")
			holder.report(a, chunks(0, 10))
			other.report(a, nil)
			s.pass(time.Second)
			for e, attempt := range dials([]*fake{holder, other}) {
				holder.say(&wire.Linked{Peer: e.Other(holder.id), Attempt: attempt, Up: false})
			}
			s.pass(time.Second / 2)
		},
		"looks_in_other_versions": func(s *stand, a site.FlowSpec) {
			_, old := aboutToSeed(s, a)
			s.pass(time.Second)
			old.seeks(a, true, nil)
			s.pass(time.Second)
			p := progress(a, chunks(0, 9))
			p.Seeding, p.Bytes.Reused = true, 9*chunkBytes
			old.say(p)
			s.pass(time.Second)
			p = progress(a, chunks(0, 10))
			p.Bytes.Reused = 10 * chunkBytes
			old.say(p)
			s.pass(time.Second)
		},
		"patches_are_made": func(s *stand, _ site.FlowSpec) {
			a := patched(version("a", 100))
			s.order(with(a, func(f *site.FlowSpec) { f.Patches = nil }))
			till := s.join("till", able)
			till.holdsBefore()
			till.report(a, nil)
			p := progress(a, nil, done(one[wire.Lease](till)))
			p.Body, p.WAN = true, 1000
			till.say(p)
			s.pass(time.Second)
			s.order(a)
			s.pass(time.Second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			onStand(t, func(s *stand) {
				do(s, version("a", 10))
				h := &forced{shop: &shop{stand: s}}
				golden(t, name, h.story(site.Question{Ref: content.Ref{Name: "a"}, All: true}))
			})
		})
	}
}

func TestWhoAsksForWhatIsNotThereIsTold(t *testing.T) {
	onStand(t, func(s *stand) {
		s.order(version("a", 1))
		if _, err := s.site.Explain(context.Background(), site.Question{Ref: content.Ref{Name: "b"}}); !errors.Is(err, site.ErrNoFlow) {
			t.Errorf("got %v, want that there is no such flow", err)
		}
	})
}

func TestAnEndpointIsToldOfWhileItIsOffline(t *testing.T) {
	onStand(t, func(s *stand) {
		a, b := version("a", 10), version("b", 10)
		s.order(a, b)
		till := s.join("till")
		till.report(a, chunks(0, 10))
		s.pass(time.Second)
		till.leave()
		s.pass(time.Second)
		parts, err := s.site.ExplainEndpoint(context.Background(), till.id)
		if err != nil || len(parts) != 2 || parts[0].Flow != "a@1" || parts[0].Why.Code != reason.Offline {
			t.Fatalf("got %+v, %v, want two flows, and that it is offline", parts, err)
		}
		codes := []reason.Code{}
		for _, m := range parts[0].History {
			codes = append(codes, m.Code)
		}
		if !slices.Contains(codes, reason.Complete) {
			t.Errorf("history %v, want that it was complete", codes)
		}
	})
}
