package api

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/policy"
)

// ForecastView is what a distribution would come to. Nothing changed.
type ForecastView struct {
	Sites   int       `json:"sites" doc:"that it means now"`
	Offline int       `json:"offline" doc:"of them, without an endpoint online: it begins there when one comes"`
	Unknown int       `json:"unknown" doc:"of them, with endpoints online, of which nobody can tell when they will be complete"`
	Misses  int       `json:"misses" doc:"of them, that will miss the time by which it shall be complete"`
	Bytes   int64     `json:"bytes" doc:"over the WAN, to all sites together"`
	Ready   time.Time `json:"ready,omitzero" doc:"when the last of those sites is complete of which that can be told"`
	// Rows are sites one by one: those first that miss the time, then those of which nothing
	// can be told, then those that are complete last.
	Rows []ForecastSite `json:"rows"`
	More int            `json:"more" doc:"sites beyond those rows"`
}

// ForecastSite is what a distribution would come to at one site.
type ForecastSite struct {
	Site   string    `json:"site"`
	Ring   string    `json:"ring,omitempty"`
	Online int       `json:"online" doc:"endpoints, without pages"`
	Bytes  int64     `json:"bytes" doc:"that cross the WAN, as they lie in packs; patches make it less"`
	BPS    int64     `json:"bps" doc:"what its line is expected to give; 0: not known"`
	Ready  time.Time `json:"ready,omitzero" doc:"when it is complete; in a later ring, if that opens as early as it can"`
	Misses bool      `json:"misses"`
	Why    string    `json:"why,omitempty" doc:"it misses the time, or nobody can tell"`
}

const (
	// maxForecastRows bounds the sites that are listed one by one.
	maxForecastRows = 500
	// maxForecastHeld bounds the older versions whose chunks are compared for one forecast.
	maxForecastHeld = 8
	// foreseenAtOnce is how many sites are asked at a time.
	foreseenAtOnce = 8
)

func (s *server) forecasts() {
	register(s, about(scopeBody, operation("POST", "/distributions/forecast", "forecast-distribution",
		"Say what a distribution would come to: bytes over each WAN, when sites are complete, and which miss the deadline", catalog.RoleOperator)),
		func(ctx context.Context, in *struct{ Body NewDistribution }) (*reply[ForecastView], error) {
			preview, d, err := s.planned(ctx, in.Body)
			if err != nil {
				return nil, err
			}
			out, err := s.forecast(ctx, d, preview.Body.Sites)
			return &reply[ForecastView]{out}, err
		})
}

// forecast asks the sites what they expect.
func (s *server) forecast(ctx context.Context, d catalog.Distribution, sites []MeantSite) (out ForecastView, err error) {
	if err := s.board.LookAtRunning(ctx); err != nil {
		return out, err
	}
	v, err := s.Catalog.Version(ctx, d.Name, d.Version)
	if err != nil {
		return out, err
	}
	lacks, err := s.lacking(ctx, v)
	if err != nil {
		return out, err
	}
	rows, now := make([]ForecastSite, len(sites)), time.Now()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(foreseenAtOnce)
	for i, m := range sites {
		group.Go(func() (err error) {
			rows[i], err = s.foresee(ctx, d, m, lacks, now)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return out, err
	}
	return summedUp(rows), nil
}

// foresee is what a distribution comes to at one site.
func (s *server) foresee(ctx context.Context, d catalog.Distribution, m MeantSite, lacks *lacking, now time.Time) (row ForecastSite, err error) {
	row = ForecastSite{Site: m.Site, Ring: m.Ring}
	var holds []string
	if shown := s.board.Site(m.Site); shown != nil {
		for _, e := range shown.Endpoints {
			if e.View.Kind == wire.DeviceBrowser {
				continue
			}
			row.Online++
			holds = append(holds, e.View.Holds...)
		}
	}
	row.Bytes = lacks.where(holds)
	owner := s.Config.Hub.Live(m.Site)
	if row.Online == 0 || owner == nil {
		row.Why = "no endpoint of it is online"
		return row, nil
	}
	plan := site.Plan{Name: d.Name, Priority: wire.Priority(d.Priority), Bytes: row.Bytes, From: opens(d, m.Ring, now), By: d.ReadyBy}
	if d.Window != "" {
		if plan.Window, _, err = policy.ParseWindow(d.Window); err != nil {
			return row, err
		}
	}
	seen, err := owner.Foresee(ctx, plan)
	if errors.Is(err, site.ErrStopped) { // it is offline by now
		row.Online, row.Why = 0, "no endpoint of it is online"
		return row, nil
	}
	if err != nil {
		return row, err
	}
	row.Ready, row.BPS, row.Why = seen.Ready, int64(8*seen.Rate), seen.Why
	row.Misses = !d.ReadyBy.IsZero() && (row.Why != "" && !row.Ready.IsZero() || row.Ready.After(d.ReadyBy))
	if row.Misses && row.Why == "" {
		row.Why = "its ring opens too late"
	}
	return row, nil
}

// opens is when a ring opens at the earliest; zero: at once.
func opens(d catalog.Distribution, ring string, now time.Time) time.Time {
	soak := time.Duration(0)
	for _, r := range d.Rings {
		if r.Name == ring {
			break
		}
		soak += time.Duration(r.SoakSeconds) * time.Second
	}
	if ring == "" {
		soak = 0
	}
	from := now
	if d.NotBefore.After(now) {
		from = d.NotBefore
	}
	if from = from.Add(soak); !from.After(now) {
		return time.Time{}
	}
	return from
}

// summedUp adds up what sites expect, and lists those first that matter most.
func summedUp(rows []ForecastSite) (out ForecastView) {
	out.Sites = len(rows)
	for _, r := range rows {
		out.Bytes += r.Bytes
		switch {
		case r.Online == 0:
			out.Offline++
		case r.Ready.IsZero():
			out.Unknown++
		case r.Ready.After(out.Ready):
			out.Ready = r.Ready
		}
		if r.Misses {
			out.Misses++
		}
	}
	rank := func(r ForecastSite) int {
		switch {
		case r.Misses:
			return 0
		case r.Online > 0 && r.Ready.IsZero():
			return 1
		case r.Online > 0:
			return 2
		}
		return 3
	}
	slices.SortFunc(rows, func(a, b ForecastSite) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), b.Ready.Compare(a.Ready), strings.Compare(a.Site, b.Site))
	})
	out.Rows = rows[:min(len(rows), maxForecastRows)]
	out.More = len(rows) - len(out.Rows)
	return out
}

// lacking tells how many bytes of a version cross the WAN to where others of its content are
// held. Few sets of them are held anywhere, so each is worked out once.
type lacking struct {
	// Set by server.lacking, then constant.
	version catalog.Version
	all     int64 // of it
	needs   []needed
	older   map[string]map[content.Digest]struct{} // chunks of versions, by NAME@V

	// mu guards the rest.
	mu    sync.Mutex
	known map[string]int64 // by what is held
}

func (s *server) lacking(ctx context.Context, v catalog.Version) (*lacking, error) {
	head, _, err := content.ReadHead(v.Head)
	if err != nil {
		return nil, err
	}
	l := &lacking{version: v, all: head.UniqueBytes, older: map[string]map[content.Digest]struct{}{}, known: map[string]int64{}}
	if l.needs, err = s.needs(ctx, v); err != nil || l.needs == nil {
		return l, err
	}
	l.all = 0
	for _, c := range l.needs {
		l.all += c.bytes
	}
	rows, err := s.Catalog.VersionsOf(ctx, v.Name, 0, maxForecastHeld+1)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if row.ID == v.ID {
			continue
		}
		has, err := s.chunksOf(ctx, row)
		if err != nil {
			return nil, err
		}
		if has != nil {
			l.older[content.Ref{Name: row.Name, Version: row.Version}.String()] = has
		}
	}
	return l, nil
}

// where is how many bytes cross the WAN to where these versions are held.
func (l *lacking) where(holds []string) (bytes int64) {
	if slices.Contains(holds, content.Ref{Name: l.version.Name, Version: l.version.Version}.String()) {
		return 0
	}
	held := slices.DeleteFunc(slices.Clone(holds), func(ref string) bool { return l.older[ref] == nil })
	if len(held) == 0 {
		return l.all
	}
	slices.Sort(held)
	held = slices.Compact(held)
	key := strings.Join(held, " ")
	l.mu.Lock()
	defer l.mu.Unlock()
	if bytes, is := l.known[key]; is {
		return bytes
	}
	for _, c := range l.needs {
		if !slices.ContainsFunc(held, func(ref string) bool { _, is := l.older[ref][c.digest]; return is }) {
			bytes += c.bytes
		}
	}
	l.known[key] = bytes
	return bytes
}
