package site_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// shop is a site with endpoints that act at random but keep to the protocol.
type shop struct {
	*stand
	specs []site.FlowSpec
	ends  map[string]*end
	// keep makes sure that a chunk that came once stays in the shop: no flow ends,
	// no disk is wiped, and nobody leaves with the only copy.
	keep   bool
	govern wire.Govern // the appointment in force
	// Content bytes received by anybody.
	origin, peer int64
}

// end is an endpoint. What it holds outlives its sessions.
type end struct {
	*fake
	name   string
	online bool
	have   map[content.VersionID]content.Bitmap
	bodies map[content.VersionID]bool
	count  map[content.VersionID]*wire.Progress // counters
	known  map[content.VersionID]wire.Flow
	forgot map[content.VersionID]bool
	leases []wire.Lease         // alive as far as it knows
	govern wire.Govern          // told last
	alter  func(*wire.Progress) // changes what it says; nil: nothing does
}

func newShop(t *rapid.T, keep bool) *shop {
	h := &shop{stand: newStand(t), ends: map[string]*end{}, keep: keep}
	for i, n := range []int{0, 7, 64, 130} {
		h.specs = append(h.specs, version(fmt.Sprintf("v%d", i), n))
	}
	return h
}

func (h *shop) end(name string) *end {
	e := h.ends[name]
	if e == nil {
		e = &end{name: name, have: map[content.VersionID]content.Bitmap{}, bodies: map[content.VersionID]bool{},
			count: map[content.VersionID]*wire.Progress{}, forgot: map[content.VersionID]bool{}}
		for _, spec := range h.specs {
			e.have[spec.ID], e.count[spec.ID] = content.NewBitmap(spec.Head.Chunks), &wire.Progress{}
		}
		h.ends[name] = e
	}
	return e
}

// listen takes in what an endpoint was told, and reports whether there was anything.
func (h *shop) listen(e *end) bool {
	e.mu.Lock()
	got := e.got
	e.got = slices.DeleteFunc(slices.Clone(got), func(m sent) bool { return m.kind != "" }) // what closed it stays
	e.mu.Unlock()
	for _, g := range of[wire.Govern](got) {
		e.govern = g
	}
	for _, f := range of[wire.Flow](got) {
		e.known[f.ID] = f
	}
	for _, f := range of[wire.Flows](got) {
		for id := range e.known {
			if !slices.Contains(f.IDs, id) {
				delete(e.known, id)
			}
		}
	}
	revoked := map[uint64]bool{}
	for _, r := range of[wire.Revoke](got) {
		revoked[r.Lease] = true
	}
	for _, l := range of[wire.Lease](got) {
		if f, ok := e.known[l.Flow]; !ok || f.Paused && !revoked[l.Lease] {
			h.t.Errorf("%s got a lease of %v, which it may not fetch", e.name, l.Flow)
		}
		e.leases = append(e.leases, l)
	}
	e.leases = slices.DeleteFunc(e.leases, func(l wire.Lease) bool { return revoked[l.Lease] })
	for _, d := range of[wire.Dial](got) { // links of a shop come up
		e.say(&wire.Linked{Peer: d.Peer, Attempt: d.Attempt, Up: true})
	}
	return len(got) > 0
}

// of are the messages of a kind.
func of[T any](got []sent) (out []T) {
	for _, m := range got {
		if b, ok := m.body.(T); ok && m.kind != "" {
			out = append(out, b)
		}
	}
	return out
}

func (h *shop) online() []string {
	var out []string
	for name, e := range h.ends {
		if e.online {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func (h *shop) spec(id content.VersionID) site.FlowSpec {
	return h.specs[slices.IndexFunc(h.specs, func(f site.FlowSpec) bool { return f.ID == id })]
}

// tell reports all that an endpoint holds of a flow.
func (h *shop) tell(e *end, id content.VersionID, states ...wire.LeaseState) {
	spec := h.spec(id)
	p := *e.count[id]
	p.Flow, p.Body, p.Leases = id, e.bodies[id], states
	p.Have = []wire.Bits{{Bits: slices.Clone(e.have[id])}}
	p.Complete = p.Body && e.have[id].Count() == spec.Head.Chunks
	if e.alter != nil {
		e.alter(&p)
	}
	e.say(&p)
}

// fetch brings the first n parts of a lease and says so.
func (h *shop) fetch(e *end, at, n int, how string) {
	l := e.leases[at]
	st := state(l)
	for _, p := range l.Parts[:n] {
		if !e.have[l.Flow].Has(p.Chunk) {
			e.have[l.Flow].Set(p.Chunk)
			e.count[l.Flow].Bytes.Origin += chunkBytes
			e.count[l.Flow].WAN += chunkBytes
			h.origin += chunkBytes
		}
		st.Verified++
	}
	if l.Body {
		e.count[l.Flow].WAN += h.spec(l.Flow).Head.BodyBytes
	}
	switch {
	case how == "fail":
		st.Failed = "the origin is away"
	case n == len(l.Parts):
		st.Done = true
		e.bodies[l.Flow] = e.bodies[l.Flow] || l.Body
	}
	if st.Done || st.Failed != "" {
		e.leases = slices.Delete(e.leases, at, at+1)
	}
	h.tell(e, l.Flow, st)
}

// exchange has one endpoint get from the others what they hold.
func (h *shop) exchange(e *end, id content.VersionID) {
	for _, name := range h.online() {
		other := h.ends[name]
		e.bodies[id] = e.bodies[id] || other.bodies[id]
		for c := range h.spec(id).Head.Chunks {
			if other.have[id].Has(c) && !e.have[id].Has(c) {
				e.have[id].Set(c)
				e.count[id].Bytes.Peer += chunkBytes
				h.peer += chunkBytes
			}
		}
	}
	h.tell(e, id)
}

// exchangeAll has everybody get what others hold.
func (h *shop) exchangeAll() {
	for _, name := range h.online() {
		e := h.ends[name]
		h.listen(e)
		for _, spec := range h.specs {
			if _, ok := e.known[spec.ID]; ok {
				h.exchange(e, spec.ID)
			}
		}
	}
}

func (h *shop) join(t *rapid.T) {
	e := h.end(rapid.SampledFrom([]string{"ann", "bob", "cyd", "dan", "eve"}).Draw(t, "endpoint"))
	if e.online && h.keep && h.loses(e) {
		t.Skip("its new session would say too late what it holds")
	}
	e.fake, e.leases, e.known, e.online, e.govern = h.stand.join(e.name), nil, map[content.VersionID]wire.Flow{}, true, wire.Govern{}
	h.listen(e)
	for _, spec := range h.specs {
		if _, ok := e.known[spec.ID]; ok && h.keep {
			h.tell(e, spec.ID)
		}
	}
}

// loses reports whether e holds the only copy of something.
func (h *shop) loses(e *end) bool {
	for id, have := range e.have {
		others := content.NewBitmap(h.spec(id).Head.Chunks)
		for _, name := range h.online() {
			if name != e.name {
				others.Or(h.ends[name].have[id])
			}
		}
		held := others.Count()
		others.Or(have)
		if others.Count() != held {
			return true
		}
	}
	return false
}

func (h *shop) leave(t *rapid.T) {
	e, _ := h.someone(t)
	if h.keep && h.loses(e) {
		t.Skip("it holds the only copy of something")
	}
	e.leave()
	e.online, e.leases = false, nil
	if len(h.online()) == 0 { // with nobody there is nothing to govern
		h.govern = wire.Govern{}
	}
}

func (h *shop) forget(t *rapid.T) {
	e, id := h.someone(t)
	if h.keep || e.forgot[id] {
		t.Skip("disks are kept, or forget once: more is a fault, which halts")
	}
	e.forgot[id] = true
	clear(e.have[id])
	e.bodies[id] = false
	h.tell(e, id)
}

// someone draws an endpoint that is online, and a flow that it knows.
func (h *shop) someone(t *rapid.T) (*end, content.VersionID) {
	online := h.online()
	if len(online) == 0 {
		t.Skip("nobody is online")
	}
	e := h.ends[rapid.SampledFrom(online).Draw(t, "endpoint")]
	h.listen(e)
	var ids []content.VersionID
	for _, spec := range h.specs {
		if _, ok := e.known[spec.ID]; ok {
			ids = append(ids, spec.ID)
		}
	}
	if len(ids) == 0 {
		t.Skip("it knows no flow")
	}
	return e, rapid.SampledFrom(ids).Draw(t, "flow")
}

func (h *shop) leased(t *rapid.T) (e *end, at int) {
	e, _ = h.someone(t)
	if len(e.leases) == 0 {
		t.Skip("it has no lease")
	}
	return e, rapid.IntRange(0, len(e.leases)-1).Draw(t, "lease")
}

// demand changes what is wanted at random.
func (h *shop) demand(t *rapid.T) {
	var flows []site.FlowSpec
	for _, i := range rapid.Permutation([]int{0, 1, 2, 3}).Draw(t, "order") {
		fates := []string{"run", "run", "run", "pause", "end"}
		if h.keep {
			fates = fates[:4]
		}
		switch rapid.SampledFrom(fates).Draw(t, "flow") {
		case "run":
			spec := h.specs[i]
			spec.Priority = rapid.SampledFrom([]wire.Priority{wire.High, wire.Normal, wire.Low}).Draw(t, "priority")
			flows = append(flows, spec)
		case "pause":
			flows = append(flows, paused(h.specs[i]))
		}
	}
	h.want.Cap = rapid.SampledFrom([]int64{wire.Unlimited, 0, 1, 1_000_003}).Draw(t, "cap")
	h.order(flows...)
}

// check holds after each step.
func (h *shop) check(t *rapid.T) {
	for _, fault := range h.site.Faults() {
		t.Error(fault)
	}
	if h.want.Generation > 0 { // else nobody can say
		for _, f := range h.view().Flows {
			if f.State == site.StateHalted {
				t.Errorf("%s was halted: %s", f.Content, f.Reason)
			}
		}
	}
	for more := true; more; { // what one says when it listens changes what others are told
		more = false
		for _, name := range h.online() {
			if e := h.ends[name]; e.closed() == "" {
				more = h.listen(e) || more
				if e.govern.Term > h.govern.Term {
					h.govern = e.govern
				}
			}
		}
	}
	in := h.govern
	for _, name := range h.online() {
		e := h.ends[name]
		part := len(in.Fetchers) > 0 && (in.Holder == e.id || in.StandBy == e.id || slices.Contains(in.Fetchers, e.id))
		switch {
		case e.closed() != "":
		case len(e.leases) > 0 && !slices.Contains(in.Fetchers, e.id):
			t.Errorf("%s fetches, and is not under the governor of %+v", name, in)
		case part && e.govern.Term != in.Term:
			t.Errorf("%s was told of term %d last, want %d", name, e.govern.Term, in.Term)
		}
		if len(e.leases) > 0 && in.Bound != h.want.Cap {
			t.Errorf("%s fetches within %d, want the cap of %d", name, in.Bound, h.want.Cap)
		}
	}
	if len(in.Fetchers) > 0 && in.Holder == in.StandBy {
		t.Errorf("appointed %+v", in)
	}
}

func (h *shop) act(t *rapid.T) {
	t.Repeat(map[string]func(*rapid.T){
		"join": h.join, "demand": h.demand, "leave": h.leave, "forget": h.forget,
		"report":   func(t *rapid.T) { e, id := h.someone(t); h.tell(e, id) },
		"exchange": func(t *rapid.T) { e, id := h.someone(t); h.exchange(e, id) },
		"fetch some": func(t *rapid.T) {
			e, at := h.leased(t)
			h.fetch(e, at, rapid.IntRange(0, len(e.leases[at].Parts)).Draw(t, "parts"), "")
		},
		"fetch all": func(t *rapid.T) { e, at := h.leased(t); h.fetch(e, at, len(e.leases[at].Parts), "") },
		"fail": func(t *rapid.T) {
			e, at := h.leased(t)
			h.fetch(e, at, rapid.IntRange(0, len(e.leases[at].Parts)).Draw(t, "parts"), "fail")
		},
		"wait": func(t *rapid.T) {
			if h.keep { // who holds something serves it, or would be doubted
				h.exchangeAll()
			}
			h.pass(time.Duration(rapid.IntRange(1, 30).Draw(t, "seconds")) * time.Second)
		},
		"": h.check,
	})
}

// complete has everybody do what it should until all is there.
func (h *shop) complete(t *rapid.T) {
	if len(h.online()) == 0 {
		h.join(t)
	}
	h.want.Cap = wire.Unlimited
	h.order(h.specs...)
	unfinished := func(f site.FlowView) bool { return f.State != site.StateComplete }
	for range 100 {
		if !slices.ContainsFunc(h.view().Flows, unfinished) {
			return
		}
		for _, name := range h.online() {
			e := h.ends[name]
			for h.listen(e); len(e.leases) > 0; h.listen(e) {
				h.fetch(e, 0, len(e.leases[0].Parts), "")
			}
		}
		h.exchangeAll()
		h.check(t)
		h.pass(20 * time.Second) // and those held off may fetch again
	}
	for _, f := range h.view().Flows {
		t.Errorf("%s is %s in the end: %s, %d of %d", f.Content, f.State, f.Reason, f.Complete, f.Endpoints)
	}
}

func TestWhateverHappensTheBooksAreRightAndAllBecomesComplete(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) {
			h := newShop(t, false)
			defer h.close()
			h.act(t)
			h.complete(t)
		})
	})
}

func TestWhatStaysInTheShopCrossesTheWANOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) {
			h := newShop(t, true)
			defer h.close()
			h.order(h.specs...)
			h.act(t)
			h.complete(t)
			unique, origin, peer := int64(0), int64(0), int64(0)
			for _, spec := range h.specs {
				unique += spec.Head.UniqueBytes
				v := h.flow(spec)
				origin += v.BytesOrigin
				peer += v.BytesPeer
			}
			if h.origin != unique {
				t.Errorf("%d bytes came from the origin, want the %d unique ones", h.origin, unique)
			}
			if origin != h.origin || peer != h.peer {
				t.Errorf("operators see %d from the origin and %d from peers, want %d and %d", origin, peer, h.origin, h.peer)
			}
		})
	})
}
