package api

import (
	"cmp"
	"context"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/sitecast/sitecast/signaling/board"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// listed is a page of a list. The list itself is the body, as scripts expect.
type listed[T any] struct {
	Link string `header:"Link" doc:"where the list goes on, with rel=next (RFC 8288); absent where it ends"`
	Body []T
}

type urlKey struct{}

// next is the Link header to the page behind a key.
func next(ctx context.Context, param, key string) string {
	u, _ := ctx.Value(urlKey{}).(url.URL)
	q := u.Query()
	q.Set(param, key)
	return "<" + u.EscapedPath() + "?" + q.Encode() + `>; rel="next"`
}

// page is a page of a list that the catalog read. One that is full may be the last.
func page[T any](ctx context.Context, rows []T, limit int, param string, key func(T) string) *listed[T] {
	out := &listed[T]{Body: rows}
	if len(rows) > 0 && len(rows) == limit {
		out.Link = next(ctx, param, key(rows[len(rows)-1]))
	}
	return out
}

// until is a page of a list that goes on behind a key, unless that is empty.
func until[T any](ctx context.Context, rows []T, key string) *listed[T] {
	out := &listed[T]{Body: rows}
	if key != "" {
		out.Link = next(ctx, "after", key)
	}
	return out
}

// PageAfter and PageBefore are how a list is read page by page.
type (
	PageAfter struct {
		After string `query:"after" maxLength:"310" doc:"the last of the page before, as its Link header has it"`
		Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"1000"`
	}
	PageBefore struct {
		Before int64 `query:"before" minimum:"0" maximum:"9007199254740991" doc:"the number of the last of the page before, as its Link header has it; 0: from the newest on"`
		Limit  int   `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	}
)

type sitesQuery struct {
	Prefix string `query:"prefix" maxLength:"100" doc:"how names begin"`
	PageAfter
}

type rulesQuery struct {
	Kind    string `query:"kind" enum:"pause,priority,cap,pin,purge,block"`
	Site    string `query:"site" maxLength:"100"`
	Content string `query:"content" maxLength:"100"`
	PageAfter
}

type contentsQuery struct {
	Prefix string `query:"prefix" maxLength:"100" doc:"how names begin"`
	PageAfter
}

type distributionsQuery struct {
	Content string `query:"content" maxLength:"100"`
	Version string `query:"version" maxLength:"100"`
	Site    string `query:"site" maxLength:"100" doc:"those that reach it, also because they are for all"`
	PageBefore
}

type auditQuery struct {
	By     string    `query:"by" maxLength:"300"`
	Action string    `query:"action" maxLength:"100"`
	Text   string    `query:"text" maxLength:"100" doc:"in the target, in either case"`
	Since  time.Time `query:"since" doc:"from then on"`
	Until  time.Time `query:"until" doc:"before that"`
	PageBefore
}

// ContentView is a content, and its newest version.
type ContentView struct {
	Name     string      `json:"name"`
	Versions int         `json:"versions"`
	Newest   VersionView `json:"newest"`
}

// VersionView is a published version in a list.
type VersionView struct {
	Version     string            `json:"version"`
	Serial      uint64            `json:"serial"`
	ID          content.VersionID `json:"id"`
	Created     time.Time         `json:"created"`
	Kind        content.Kind      `json:"kind"`
	Bytes       int64             `json:"bytes"`
	UniqueBytes int64             `json:"unique_bytes"`
	Chunks      uint32            `json:"chunks"`
}

func viewOf(v catalog.Version) (VersionView, error) {
	head, id, err := content.ReadHead(v.Head)
	return VersionView{v.Version, v.Serial, id, head.Created, head.Kind, head.Bytes, head.UniqueBytes, head.Chunks}, err
}

// Overview is how things stand.
type Overview struct {
	Sites     int `json:"sites"`
	Endpoints int `json:"endpoints" doc:"that enrolled"`
	Contents  int `json:"contents"`
	Versions  int `json:"versions"`
	board.Summary
}

// quarantine stands for the site of who is at none, and enrolled at none that is known.
const quarantine = "\x00"

// lists adds what is read.
func (s *server) lists() {
	registerList(s, operation("GET", "/sites", "list-sites", "List sites by name", catalog.RoleViewer), func(v catalog.Site) string { return v.Name },
		func(ctx context.Context, in *sitesQuery) (*listed[catalog.Site], error) {
			rows, err := s.findSites(ctx, catalog.SitesQuery{Prefix: in.Prefix, After: in.After, Limit: in.Limit})
			return page(ctx, rows, in.Limit, "after", func(row catalog.Site) string { return row.Name }), err
		})
	registerList(s, operation("GET", "/rules", "list-rules", "List rules, the oldest first", catalog.RoleViewer), func(r RuleView) string { return r.Site },
		func(ctx context.Context, in *rulesQuery) (*listed[RuleView], error) { return s.listRules(ctx, *in) })
	registerList(s, operation("GET", "/flows", "list-flows", "List flows by site, content and version", catalog.RoleViewer), func(f site.FlowView) string { return f.Site },
		func(ctx context.Context, in *flowsQuery) (*listed[site.FlowView], error) {
			rows, key, err := s.listFlows(ctx, *in)
			return until(ctx, rows, key), err
		})
	registerList(s, operation("GET", "/endpoints", "list-endpoints", "List endpoints by id: those that enrolled, and pages that are online", catalog.RoleViewer),
		func(e site.EndpointView) string { return cmp.Or(e.Site, e.Enrolled, quarantine) },
		func(ctx context.Context, in *endpointsQuery) (*listed[site.EndpointView], error) {
			rows, key, err := s.listEndpoints(ctx, *in)
			return until(ctx, rows, key), err
		})
	registerList(s, operation("GET", "/lines", "list-lines", "List lines to the WAN, and what their governors do", catalog.RoleViewer), func(l site.LineView) string { return l.Site },
		func(ctx context.Context, in *linesQuery) (*listed[site.LineView], error) {
			rows, key, err := s.listLines(ctx, *in)
			return until(ctx, rows, key), err
		})
	registerList(s, operation("GET", "/distributions", "list-distributions", "List distributions, the newest first, without the names of their sites", catalog.RoleViewer),
		func(catalog.Listed) string { return "" }, // listDistributions sees to it
		func(ctx context.Context, in *distributionsQuery) (*listed[catalog.Listed], error) {
			return s.listDistributions(ctx, *in)
		})
	register(s, about(scopeShared, operation("GET", "/contents", "list-contents", "List contents by name, with their newest versions", catalog.RoleViewer)),
		func(ctx context.Context, in *contentsQuery) (*listed[ContentView], error) {
			return s.listContents(ctx, *in)
		})
	register(s, about(scopeShared, operation("GET", "/contents/{name}", "list-versions", "List the published versions of a content, the newest first", catalog.RoleViewer)),
		func(ctx context.Context, in *struct {
			Name string `path:"name" maxLength:"100"`
			PageBefore
		}) (*listed[VersionView], error) {
			return s.listVersions(ctx, in.Name, uint64(in.Before), in.Limit)
		})
	register(s, operation("GET", "/distributions/{id}", "show-distribution", "Show a distribution with its sites", catalog.RoleViewer),
		func(ctx context.Context, in *struct {
			ID int64 `path:"id" minimum:"1" maximum:"9007199254740991"`
		}) (*reply[catalog.Distribution], error) {
			d, err := s.Catalog.Distribution(ctx, in.ID)
			return &reply[catalog.Distribution]{d}, err
		})
	register(s, operation("GET", "/audit", "list-audit", "Read the audit log, newest first", catalog.RoleViewer),
		func(ctx context.Context, in *auditQuery) (*listed[catalog.Entry], error) {
			rows, err := s.Catalog.FindAudit(ctx, catalog.AuditQuery{By: in.By, Action: in.Action, Text: in.Text, Since: in.Since, Until: in.Until,
				Before: in.Before, Limit: in.Limit})
			return page(ctx, rows, in.Limit, "before", func(row catalog.Entry) string { return strconv.FormatInt(row.ID, 10) }), err
		})
	register(s, operation("GET", "/overview", "overview", "Show how things stand", catalog.RoleViewer),
		func(ctx context.Context, _ *struct{}) (*reply[Overview], error) {
			out, err := s.overview(ctx, 0)
			return &reply[Overview]{out}, err
		})
}

// listDistributions lists distributions: of the named site, or of all that who asks may see.
func (s *server) listDistributions(ctx context.Context, q distributionsQuery) (*listed[catalog.Listed], error) {
	sites := asker(ctx).Sites
	if q.Site != "" {
		sites = []string{q.Site}
	}
	rows, err := s.Catalog.FindDistributions(ctx, catalog.DistributionsQuery{Content: q.Content, Version: q.Version, Sites: sites,
		Before: q.Before, Limit: q.Limit})
	if !asker(ctx).everywhere() { // queries may name sites that are not theirs to see
		for i := range rows {
			rows[i].Aim = catalog.Aim{NotBefore: rows[i].NotBefore, Window: rows[i].Window}
		}
	}
	return page(ctx, rows, q.Limit, "before", func(row catalog.Listed) string { return strconv.FormatInt(row.ID, 10) }), err
}

func (s *server) listContents(ctx context.Context, q contentsQuery) (*listed[ContentView], error) {
	rows, err := s.Catalog.Contents(ctx, catalog.ContentsQuery{Prefix: q.Prefix, After: q.After, Limit: q.Limit})
	if err != nil {
		return nil, err
	}
	views := make([]ContentView, len(rows))
	for i, row := range rows {
		newest, err := viewOf(row.Newest)
		if err != nil {
			return nil, err
		}
		views[i] = ContentView{row.Name, row.Versions, newest}
	}
	return page(ctx, views, q.Limit, "after", func(v ContentView) string { return v.Name }), nil
}

func (s *server) listVersions(ctx context.Context, name string, before uint64, limit int) (*listed[VersionView], error) {
	rows, err := s.Catalog.VersionsOf(ctx, name, before, limit)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 && before == 0 {
		_, err := s.Catalog.Newest(ctx, name) // says that there is none
		return nil, err
	}
	views := make([]VersionView, len(rows))
	for i, row := range rows {
		if views[i], err = viewOf(row); err != nil {
			return nil, err
		}
	}
	return page(ctx, views, limit, "before", func(v VersionView) string { return strconv.FormatUint(v.Serial, 10) }), nil
}

// overview sums everything up. What is in the catalog is counted anew where it was counted
// longer ago than that.
func (s *server) overview(ctx context.Context, last time.Duration) (Overview, error) {
	n, err := s.counts.read(ctx, s.Catalog, last)
	if err != nil {
		return Overview{}, err
	}
	sum, err := s.board.Overview(ctx)
	return Overview{n.Sites, n.Endpoints, n.Contents, n.Versions, sum.With(quarantined(s.standings()))}, err
}

// counts are those of the catalog, for all who watch.
type counts struct {
	// mu guards the rest, and is held while they are read.
	mu sync.Mutex
	n  catalog.Counts
	at time.Time
}

func (c *counts) read(ctx context.Context, from catalog.Lists, last time.Duration) (catalog.Counts, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if !c.at.IsZero() && now.Sub(c.at) < last {
		return c.n, nil
	}
	n, err := from.Counts(ctx)
	if err == nil {
		c.n, c.at = n, now
	}
	return n, err
}
