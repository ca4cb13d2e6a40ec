package api

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sitecast/sitecast/signaling/board"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

const (
	// firstSites is how many sites are looked at first for a page of flows; then twice as
	// many each time.
	firstSites = 64
	mostSites  = 256
	// wakeAtOnce is how many are started together for who watches all flows.
	wakeAtOnce = 256
	// enough is how long it may be looked for flows before a page ends that is not full.
	enough = 3 * time.Second
	// maxScanned bounds the endpoints that are read for one page of those that are offline.
	maxScanned = 10_000
)

type flowsQuery struct {
	Site    string `query:"site" maxLength:"100"`
	Content string `query:"content" maxLength:"100"`
	State   string `query:"state" enum:"waiting,running,paused,complete,failed,halted"`
	PageAfter
}

type endpointsQuery struct {
	Site   string `query:"site" maxLength:"100"`
	Online string `query:"online" enum:"true,false"`
	Kind   string `query:"kind" maxLength:"100"`
	Text   string `query:"text" maxLength:"100" doc:"in the name or the kind, in either case"`
	Holds  string `query:"holds" maxLength:"201" doc:"NAME or NAME@V: those that are online and have all of it"`
	StandingQuery
	PageAfter
}

type linesQuery struct {
	Site string `query:"site" maxLength:"100"`
	PageAfter
}

// eachShown calls do with what the named site shows, or with what each shows by name, from
// one on, until do returns false. Where many sites have to be started it may end before all
// were looked at: rest is the first that was not.
func (s *server) eachShown(ctx context.Context, name, from string, do func(*board.Shown) bool) (rest string, err error) {
	if name != "" {
		if _, err := s.Catalog.Site(ctx, name); err != nil {
			return "", err
		}
		if err := s.board.Look(ctx, []string{name}); err != nil {
			return "", err
		}
		do(s.board.Site(name))
		return "", nil
	}
	begun := time.Now()
	for size := firstSites; ; size = min(2*size, mostSites) {
		names, err := s.Catalog.SiteNames(ctx, from, size+1)
		if err != nil {
			return "", err
		}
		last := len(names) <= size
		if !last {
			from, names = names[size], names[:size]
		}
		if err := s.board.Look(ctx, names); err != nil {
			return "", err
		}
		for _, name := range names {
			if !do(s.board.Site(name)) {
				return "", nil
			}
		}
		if last {
			return "", nil
		}
		if time.Since(begun) > enough {
			return from, nil
		}
	}
}

// wake starts the loops of sites that do not run, so that they show their flows. Where they
// are many it ends before all do, and goes on when it is called again.
func (s *server) wake(ctx context.Context) error {
	begun, from := time.Now(), ""
	for {
		names, err := s.Catalog.SiteNames(ctx, from, wakeAtOnce+1)
		if err != nil {
			return err
		}
		last := len(names) <= wakeAtOnce
		if !last {
			from, names = names[wakeAtOnce], names[:wakeAtOnce]
		}
		names = slices.DeleteFunc(names, func(name string) bool { return s.Hub.Live(name) != nil })
		if err := s.board.Look(ctx, names); err != nil || last || time.Since(begun) > enough {
			return err
		}
	}
}

// listFlows lists flows by site and key. The key behind which the list goes on is empty
// where it ends.
func (s *server) listFlows(ctx context.Context, q flowsQuery) (out []site.FlowView, key string, err error) {
	from, behind, _ := strings.Cut(q.After, "/")
	out, now, last := []site.FlowView{}, time.Now(), ""
	rest, err := s.eachShown(ctx, q.Site, from, func(shown *board.Shown) bool {
		for _, item := range shown.Flows {
			f := item.View
			if shown.Site == from && item.Key <= behind || q.Content != "" && q.Content != f.Content || q.State != "" && q.State != f.State {
				continue
			}
			if len(out) == q.Limit {
				key = last
				return false
			}
			out, last = append(out, f.At(now)), shown.Site+"/"+item.Key
		}
		return true
	})
	if rest != "" {
		key = rest + "/"
	}
	return out, key, err
}

// listLines lists the lines of sites that run: elsewhere nobody fetches.
func (s *server) listLines(ctx context.Context, q linesQuery) (out []site.LineView, key string, err error) {
	names, err := s.runningOf(ctx, q.Site)
	if err != nil {
		return nil, "", err
	}
	from, behind, _ := strings.Cut(q.After, "/")
	out, last := []site.LineView{}, ""
	for _, name := range names { // in order
		for _, l := range s.board.Site(name).Lines {
			if q.After != "" && (name < from || name == from && l.Egress <= behind) {
				continue
			}
			if len(out) == q.Limit {
				return out, last, nil
			}
			out, last = append(out, l), name+"/"+l.Egress
		}
	}
	return out, "", nil
}

// runningOf looks at the named site, or at all, as far as they run, and returns their
// names in order.
func (s *server) runningOf(ctx context.Context, name string) ([]string, error) {
	names := s.Hub.Running()
	if name != "" {
		if _, err := s.Catalog.Site(ctx, name); err != nil {
			return nil, err
		}
		if names = []string{name}; s.Hub.Live(name) == nil {
			names = nil
		}
	}
	return names, s.board.Look(ctx, names)
}

// listEndpoints lists endpoints by id. Who is online, and has what, is asked of the sites;
// everything else is in the catalog.
func (s *server) listEndpoints(ctx context.Context, q endpointsQuery) (out []site.EndpointView, key string, err error) {
	names, err := s.runningOf(ctx, q.Site)
	if err != nil {
		return nil, "", err
	}
	now := time.Now()
	if q.Online == "true" || q.Holds != "" {
		if q.Online == "false" {
			return nil, "", bad("what endpoints have is known of those that are online", "leave out holds, or online=false")
		}
		all := s.online(names, q, func(site.EndpointView) bool { return true })
		if q.Site == "" && q.Holds == "" {
			waiting, err := s.quarantined(ctx, q)
			if err != nil {
				return nil, "", err
			}
			all = append(all, waiting...)
		}
		out, key = cut(all, q.Limit)
		return at(out, now), key, nil
	}
	if out, key, err = s.enrolled(ctx, q); err != nil || q.Online != "" {
		return at(out, now), key, err
	}
	out = append(out, s.online(names, q, func(e site.EndpointView) bool {
		elsewhere := q.Site != "" && e.Enrolled != "" && e.Enrolled != q.Site // where it enrolled
		return (e.Kind == wire.DeviceBrowser || elsewhere) && (key == "" || string(e.ID) <= key)
	})...)
	out, more := cut(out, q.Limit)
	return at(out, now), cmp.Or(more, key), nil
}

// enrolled lists those that enrolled, as they are known of their sites or else of the
// catalog.
func (s *server) enrolled(ctx context.Context, q endpointsQuery) (out []site.EndpointView, key string, err error) {
	out, behind := []site.EndpointView{}, q.After
	revoked, err := s.revoked(ctx)
	if err != nil {
		return nil, "", err
	}
	for scanned := 0; ; {
		rows, err := s.Catalog.FindEndpoints(ctx, catalog.EndpointsQuery{Site: q.Site, Device: q.Kind, Text: q.Text, After: behind, Limit: q.Limit})
		if err != nil {
			return nil, "", err
		}
		for _, e := range rows {
			if len(out) == q.Limit {
				return out, behind, nil
			}
			behind = e.ID
			v, here := s.known(e, q.Site)
			v.Revoked = revoked[v.ID]
			if here && !(v.Online && q.Online == "false") && q.fits(v) {
				out = append(out, v)
			}
		}
		scanned += len(rows)
		switch {
		case len(rows) < q.Limit:
			return out, "", nil
		case len(out) == q.Limit, scanned >= maxScanned, q.Online == "" && !q.narrows():
			return out, behind, nil
		}
	}
}

// known is what is known of an endpoint that enrolled, of its site or else of the catalog.
// It reports false where the endpoint is at another site than the named one.
func (s *server) known(e catalog.Endpoint, name string) (v site.EndpointView, here bool) {
	where := e.Site
	if at, online := s.standing(wire.EndpointID(e.ID)); online {
		where = at.Site
	}
	v, online := s.board.Site(where).Online(e.ID)
	if !online {
		v = site.EndpointView{ID: wire.EndpointID(e.ID), Name: e.Name, Site: e.Site, Kind: e.Device, Enrolled: e.Site, Roaming: e.Roaming,
			LastSeen: e.LastSeen, Holds: []string{}, Flows: []site.EndpointInFlow{}}
	}
	here = s.stand(&v, name)
	return v, here && (name == "" || v.Quarantined || v.Site == name)
}

// quarantined lists who is online, but at no site, and matches a query.
func (s *server) quarantined(ctx context.Context, q endpointsQuery) (out []site.EndpointView, err error) {
	for _, at := range s.standings() {
		if at.Site != "" || string(at.ID) <= q.After {
			continue
		}
		e, err := s.Catalog.Endpoint(ctx, string(at.ID))
		if errors.Is(err, catalog.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if v, _ := s.known(e, ""); suits(v, q) {
			out = append(out, v)
		}
	}
	return out, nil
}

// online lists who is online at some sites and matches a query.
func (s *server) online(names []string, q endpointsQuery, also func(site.EndpointView) bool) (out []site.EndpointView) {
	for _, name := range names {
		for _, item := range s.board.Site(name).Endpoints {
			if item.Key <= q.After {
				continue
			}
			e := item.View
			if s.stand(&e, name); also(e) && suits(e, q) {
				out = append(out, e)
			}
		}
	}
	return out
}

func suits(e site.EndpointView, q endpointsQuery) bool {
	text := lower(q.Text)
	return (q.Kind == "" || q.Kind == e.Kind) && (q.Holds == "" || holds(e, q.Holds)) && q.fits(e) &&
		(strings.Contains(lower(e.Name), text) || strings.Contains(lower(e.Kind), text))
}

// holds reports whether an endpoint has all of a version, or of any version of a content.
func holds(e site.EndpointView, ref string) bool {
	return slices.ContainsFunc(e.Holds, func(have string) bool { return have == ref || strings.HasPrefix(have, ref+"@") })
}

// lower is how the catalog compares: ASCII letters of either case are the same.
func lower(text string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
}

// cut sorts a list and makes a page of it; key is where it goes on, if it does.
func cut(list []site.EndpointView, limit int) (out []site.EndpointView, key string) {
	slices.SortFunc(list, func(a, b site.EndpointView) int { return strings.Compare(string(a.ID), string(b.ID)) })
	if len(list) <= limit {
		return append([]site.EndpointView{}, list...), ""
	}
	return list[:limit], string(list[limit-1].ID)
}

func at(list []site.EndpointView, now time.Time) []site.EndpointView {
	for i, e := range list {
		list[i] = e.At(now)
	}
	return list
}

// endpoints lists all of one site.
func (s *server) endpoints(ctx context.Context, name string) (all []site.EndpointView, err error) {
	q := endpointsQuery{Site: name, PageAfter: PageAfter{Limit: catalog.MaxPage}}
	for {
		some, key, err := s.listEndpoints(ctx, q)
		if err != nil {
			return nil, err
		}
		if all = append(all, some...); key == "" {
			return all, nil
		}
		q.After = key
	}
}
