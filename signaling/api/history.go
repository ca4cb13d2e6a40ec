package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sitecast/sitecast/signaling/board"
	"github.com/sitecast/sitecast/signaling/history"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/storage/catalog"
)

// History is how far the server can look back.
type History struct {
	Recorded    bool           `json:"recorded" doc:"whether it writes down what it shows; false: it was started with --history 0"`
	Spans       []history.Span `json:"spans" doc:"the times of which there are pictures, the oldest first; between them the server did not run"`
	StepSeconds float64        `json:"step_seconds" doc:"how far apart two pictures were lately"`
	Bytes       int64          `json:"bytes" doc:"what it takes on the server's disk"`
}

type pastQuery struct {
	At      time.Time `query:"at" required:"true" doc:"when, as 2026-11-27T14:00:00Z"`
	Site    string    `query:"site" maxLength:"100"`
	Content string    `query:"content" maxLength:"100"`
	PageAfter
}

type pastEndpointsQuery struct {
	At   time.Time `query:"at" required:"true" doc:"when, as 2026-11-27T14:00:00Z"`
	Site string    `query:"site" maxLength:"100"`
	PageAfter
}

// past adds what was shown.
func (s *server) past() {
	register(s, about(scopeShared, operation("GET", "/history", "history", "Say how far one can look back", catalog.RoleViewer)),
		func(context.Context, *struct{}) (*reply[History], error) {
			out := History{Spans: []history.Span{}}
			if s.History != nil {
				spans, step := s.History.Spans(time.Now())
				out = History{Recorded: true, Spans: append(out.Spans, spans...), StepSeconds: step.Seconds(), Bytes: s.History.Bytes()}
			}
			return &reply[History]{out}, nil
		})
	registerList(s, operation("GET", "/history/flows", "list-past-flows", "List flows as they were at a time, by site, content and version", catalog.RoleViewer), func(f site.FlowView) string { return f.Site },
		func(ctx context.Context, in *pastQuery) (*listed[site.FlowView], error) {
			if err := s.canLookBack(ctx, in.At, in.Site); err != nil {
				return nil, err
			}
			p, err := s.History.Flows(in.At, in.Site)
			rows, key, err := pastRows(ctx, p, err, in.At, in.PageAfter, in.Content)
			for i, f := range rows {
				rows[i] = f.At(in.At)
			}
			return until(ctx, rows, key), err
		})
	registerList(s, operation("GET", "/history/endpoints", "list-past-endpoints", "List the endpoints that were online at a time, by site and id", catalog.RoleViewer), func(e site.EndpointView) string { return e.Site },
		func(ctx context.Context, in *pastEndpointsQuery) (*listed[site.EndpointView], error) {
			if err := s.canLookBack(ctx, in.At, in.Site); err != nil {
				return nil, err
			}
			p, err := s.History.Endpoints(in.At, in.Site)
			rows, key, err := pastRows(ctx, p, err, in.At, in.PageAfter, "")
			return until(ctx, at(rows, in.At), key), err
		})
	registerList(s, operation("GET", "/flows/changes", "list-flow-changes", "List how flows came to be in other states, the newest first, as far as this server remembers", catalog.RoleViewer),
		func(c board.StateChange) string { return c.Site },
		func(ctx context.Context, in *struct {
			Site  string `query:"site" maxLength:"100"`
			Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
		}) (*listed[board.StateChange], error) {
			if err := s.board.LookAtRunning(ctx); err != nil {
				return nil, err
			}
			who := asker(ctx)
			return &listed[board.StateChange]{Body: s.board.News(in.Limit, func(name string) bool { return who.sees(name) && (in.Site == "" || in.Site == name) })}, nil
		})
}

// canLookBack refuses a time of which there can be nothing, and a site that is not there.
func (s *server) canLookBack(ctx context.Context, at time.Time, name string) error {
	now := time.Now()
	switch {
	case s.History == nil:
		return &Problem{Status: http.StatusNotFound, Code: "history_off", Detail: "this server does not write down what it shows",
			Hint: "start it with --history 1GB; from then on one can look back"}
	case at.After(now.Add(history.Step)):
		return bad("at: nobody knows what will be", "name a time within the last 24 hours; /api/v1/history says which there are")
	case now.Sub(at) > history.Keep+history.Step:
		return bad(fmt.Sprintf("at: what was shown is kept for %d hours", int(history.Keep.Hours())), "name a time within the last 24 hours; /api/v1/history says which there are")
	case name == "":
		return nil
	}
	_, err := s.Catalog.Site(ctx, name)
	return err
}

// pastRows is a page of the rows of a picture behind a key SITE/KEY that who asks may see, and
// the key behind which it goes on.
func pastRows[T any](ctx context.Context, p *history.Picture[T], err error, at time.Time, page PageAfter, content string) (out []T, key string, _ error) {
	out = []T{}
	if errors.Is(err, history.ErrNotRecorded) {
		err = &Problem{Status: http.StatusNotFound, Code: "not_recorded", Detail: "nothing was recorded at " + at.UTC().Format(time.RFC3339) + ", as the server did not run",
			Hint: "name a time of which /api/v1/history says that there are pictures"}
	}
	if err != nil {
		return out, "", err
	}
	from, behind, _ := strings.Cut(page.After, "/")
	names := p.Names()
	first, _ := slices.BinarySearch(names, from)
	last := ""
	for _, name := range names[first:] {
		if !asker(ctx).sees(name) {
			continue
		}
		for _, row := range p.Rows(name) {
			if name == from && row.Key <= behind || content != "" && !strings.HasPrefix(row.Key, content+"@") {
				continue
			}
			if len(out) == page.Limit {
				return out, last, nil
			}
			view, err := p.View(row)
			if err != nil {
				return out, "", err
			}
			out, last = append(out, view), name+"/"+row.Key
		}
	}
	return out, "", nil
}
