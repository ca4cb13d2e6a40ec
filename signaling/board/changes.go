package board

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
)

// Changes is what came after a number, or all there is.
type Changes[T any] struct {
	Seq  uint64   // what it brings one up to
	Gone []string // keys with their site, as SITE/KEY; to be taken away before Set is put
	Set  []T
}

// Flows are the changes of flows since a number (0: all there are), of one site or (empty)
// of all, and of one content or of all. It reports false where it is not known any more
// what went meanwhile, or the number is none of this board's: then all has to be read again.
func (b *Board) Flows(since uint64, name, content string) (Changes[site.FlowView], bool) {
	out, ok := changes(b, since, name, false, func(s *Shown) []Item[site.FlowView] { return s.Flows },
		func(key string) bool { return content == "" || strings.HasPrefix(key, content+"@") })
	now := time.Now()
	for i, f := range out.Set {
		out.Set[i] = f.At(now)
	}
	return out, ok
}

// Endpoints is Flows for endpoints that are online.
func (b *Board) Endpoints(since uint64, name string) (Changes[site.EndpointView], bool) {
	out, ok := changes(b, since, name, true, func(s *Shown) []Item[site.EndpointView] { return s.Endpoints }, func(string) bool { return true })
	now := time.Now()
	for i, e := range out.Set {
		out.Set[i] = e.At(now)
	}
	return out, ok
}

// changes collects what came after a number.
func changes[T any](b *Board, since uint64, name string, endpoint bool, items func(*Shown) []Item[T], wanted func(key string) bool) (out Changes[T], ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	out.Seq = b.seq
	if since > 0 && (since < b.lost || since > b.seq) {
		return out, false
	}
	if since > 0 {
		for _, e := range b.gone {
			if e.seq > since && e.endpoint == endpoint && (name == "" || e.site == name) && wanted(e.key) {
				out.Gone = append(out.Gone, e.site+"/"+e.key)
			}
		}
	}
	var changed []*Shown
	for _, s := range b.sites {
		if (name == "" || s.Site == name) && s.seq > since {
			changed = append(changed, s)
		}
	}
	bySite(changed)
	for _, s := range changed {
		for _, item := range items(s) {
			if item.Seq > since && wanted(item.Key) {
				out.Set = append(out.Set, item.View)
			}
		}
	}
	return out, true
}

// merge numbers what is shown now, in the order of keys: what is as it was keeps its number,
// the rest gets seq. It returns the keys that are not there any more, and whether anything
// is another.
func merge[T any](was, now []Item[T], same func(a, b T) bool, seq uint64) (gone []string, changed bool) {
	for i := range now {
		for len(was) > 0 && was[0].Key < now[i].Key {
			gone, was = append(gone, was[0].Key), was[1:]
		}
		now[i].Seq = seq
		if len(was) > 0 && was[0].Key == now[i].Key {
			if same(was[0].View, now[i].View) {
				now[i].Seq = was[0].Seq
			}
			was = was[1:]
		}
		changed = changed || now[i].Seq == seq
	}
	for _, w := range was {
		gone = append(gone, w.Key)
	}
	return gone, changed || len(gone) > 0
}

// sameFlow compares all but what follows from the time.
func sameFlow(a, b site.FlowView) bool {
	a.Seconds, b.Seconds = 0, 0
	return reflect.DeepEqual(a, b)
}

// sameEndpoint compares all but what follows from the time.
func sameEndpoint(a, b site.EndpointView) bool {
	a.LastSeen, b.LastSeen = time.Time{}, time.Time{}
	held := func(a, b site.EndpointInFlow) bool { return a.Held == b.Held }
	if !slices.EqualFunc(a.Flows, b.Flows, held) { // it gets something: the usual case, and cheap to see
		return false
	}
	return reflect.DeepEqual(a, b)
}
