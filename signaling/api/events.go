package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sitecast/sitecast/signaling/board"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/storage/catalog"
)

// Limits and times of event streams.
const (
	// maxStreams bounds how many are open.
	maxStreams = 256
	// maxStreamItems bounds what one begins with.
	maxStreamItems = 20_000
	// itemsPerEvent bounds one event.
	itemsPerEvent = 256
	// HeartbeatEvery is how often something is sent at least.
	HeartbeatEvery = 15 * time.Second
	// streamLife is when a stream ends, so that who may not read any more doesn't. Who
	// goes on does so with Last-Event-ID, and misses nothing.
	streamLife = 5 * time.Minute
	// writeTimeout is how long one event may take. A reader that is slower is cut off; nobody
	// else waits for it.
	writeTimeout = 10 * time.Second
	// sitesEvery is how often a stream of all flows looks for sites that do not run yet.
	sitesEvery = 5 * time.Second
	// countsLast is how old the counts of what is in the catalog may be in a stream.
	countsLast = 5 * time.Second
	// retryAfter is when who was cut off shall come back.
	retryAfter = 2 * time.Second
)

// Views that may be watched.
const (
	ViewFlows     = "flows"
	ViewEndpoints = "endpoints" // that are online
	ViewOverview  = "overview"
	ViewRules     = "rules" // that hold, with what became of them: all of them in each change
)

// Reset is the first event of a stream that does not go on where another ended: all that
// was known is void, and what follows is everything there is.
type Reset struct {
	View   string `json:"view"`
	Reason string `json:"reason"` // begin, restart (of the server), or gap
}

// Changed is an event with what is new. Gone is to be taken away before Set is put.
type Changed[T any] struct {
	View string   `json:"view"`
	Set  []T      `json:"set,omitempty"`
	Gone []string `json:"gone,omitempty"` // SITE/CONTENT@VERSION, or SITE/ENDPOINT
	More bool     `json:"more,omitempty"` // the next event belongs to this one
}

// Streams counts streams of events. Its zero value is ready for use by several goroutines.
type Streams struct {
	Open    atomic.Int64 // now
	Cut     atomic.Int64 // ended because their readers were too slow
	Refused atomic.Int64 // because too many were open
}

// events adds the stream of events, which no description of OpenAPI's fits.
func (s *server) events() {
	named := func(r *http.Request) string { return r.URL.Query().Get("site") }
	s.router.Get("/api/v1/events", s.requireAt(catalog.RoleViewer, named, s.watch))
}

// stream is one that is open.
type stream struct {
	server *server
	w      http.ResponseWriter
	times  *http.ResponseController

	view, site, content string
	since               uint64 // the last change that was told
	sitesAt             time.Time
	wrote               time.Time
	last                []byte // the overview, or the rules, as told last
}

// watch answers with a stream.
func (s *server) watch(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	st := &stream{server: s, w: w, times: http.NewResponseController(w), view: q.Get("view"), site: q.Get("site"), content: q.Get("content")}
	if err := st.check(r.Context()); err != nil {
		s.fail(w, r, err)
		return
	}
	select {
	case s.streams <- struct{}{}:
		s.Streams.Open.Add(1)
		defer func() { s.Streams.Open.Add(-1); <-s.streams }()
	default:
		s.Streams.Refused.Add(1)
		w.Header().Set("Retry-After", "30")
		s.fail(w, r, &Problem{Status: http.StatusServiceUnavailable, Code: "too_many_streams", Detail: fmt.Sprintf("%d streams of events are open", maxStreams),
			Hint: "close those that nobody looks at, or ask for lists now and then"})
		return
	}
	ctx, stop := context.WithTimeout(r.Context(), streamLife)
	defer stop()
	if err := st.look(ctx, time.Now()); err != nil {
		s.fail(w, r, err)
		return
	}
	reason := st.resume(r.Header.Get("Last-Event-ID"))
	if err := st.bounded(); err != nil {
		s.fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold it back
	// The reader went away, was too slow, or the server stops.
	if err := st.run(ctx, reason); errors.Is(err, os.ErrDeadlineExceeded) {
		s.Streams.Cut.Add(1)
	}
}

// check reports what is wrong with what is asked for.
func (st *stream) check(ctx context.Context) error {
	views := []string{ViewFlows, ViewEndpoints, ViewOverview, ViewRules}
	switch {
	case !slices.Contains(views, st.view):
		return bad("view: want flows, endpoints, overview or rules", "ask for /api/v1/events?view=flows")
	case st.view == ViewOverview && (st.site != "" || st.content != ""):
		return bad("an overview is of everything", "leave out site and content")
	case (st.view == ViewEndpoints || st.view == ViewRules) && st.content != "":
		return bad("endpoints and rules are shown whatever the content", "leave out content")
	case len(st.site) > maxName || len(st.content) > maxName:
		return bad("a name is too long", "")
	case st.site == "":
		return nil
	}
	_, err := st.server.Catalog.Site(ctx, st.site)
	return err
}

// maxName bounds names in queries.
const maxName = 100

// resume takes up where another stream ended, if that can be: else it says why not.
func (st *stream) resume(id string) (reason string) {
	if id == "" {
		return "begin"
	}
	epoch, seq, _ := strings.Cut(id, ".")
	since, err := strconv.ParseUint(seq, 10, 64)
	if epoch != strconv.FormatUint(st.server.Hub.Epoch(), 10) || err != nil {
		return "restart"
	}
	if st.view == ViewOverview || st.view == ViewRules {
		return "begin"
	}
	if _, ok := st.server.board.Flows(since, st.site, st.content); !ok || since == 0 {
		return "gap"
	}
	st.since = since
	return ""
}

// bounded refuses a stream that would begin with too much.
func (st *stream) bounded() error {
	n := 0
	switch st.view {
	case ViewFlows:
		all, _ := st.server.board.Flows(st.since, st.site, st.content)
		n = len(all.Set)
	case ViewEndpoints:
		all, _ := st.server.board.Endpoints(st.since, st.site)
		n = len(all.Set)
	}
	if n > maxStreamItems {
		return bad(fmt.Sprintf("%d %s are too many to watch, the limit is %d", n, st.view, maxStreamItems), "name a site or a content")
	}
	return nil
}

// run sends until the context ends, the reader is gone or too slow, or sites have stopped.
func (st *stream) run(ctx context.Context, reason string) error {
	if _, err := fmt.Fprintf(st.w, "retry: %d\n\n", retryAfter.Milliseconds()); err != nil {
		return err
	}
	if reason != "" {
		if err := st.send("reset", false, Reset{st.view, reason}); err != nil {
			return err
		}
	}
	tick := time.NewTicker(board.Every)
	defer tick.Stop()
	for first := true; ; first = false {
		if err := st.tell(ctx, reason, first); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case now := <-tick.C:
			// A site that does not answer in time is looked at again; the others were.
			if err := st.look(ctx, now); errors.Is(err, site.ErrStopped) {
				return err
			}
			if now.Sub(st.wrote) >= HeartbeatEvery {
				if err := st.write(": all is well\n\n"); err != nil {
					return err
				}
			}
		}
	}
}

// look brings the board up to date as far as the stream shows it.
func (st *stream) look(ctx context.Context, now time.Time) error {
	b := st.server.board
	switch {
	case !st.server.Hub.Runs():
		return site.ErrStopped
	case st.site != "" && (st.view == ViewFlows || st.server.Hub.Live(st.site) != nil):
		return b.Look(ctx, []string{st.site})
	case st.view == ViewFlows && now.Sub(st.sitesAt) >= sitesEvery:
		st.sitesAt = now
		if err := st.server.wake(ctx); err != nil {
			return err
		}
	}
	return b.LookAtRunning(ctx)
}

// tell sends what is new. The first time something is sent even if there is nothing, so that
// the reader knows that it has everything.
func (st *stream) tell(ctx context.Context, reason string, first bool) error {
	b := st.server.board
	switch st.view {
	case ViewFlows:
		changes, ok := b.Flows(st.since, st.site, st.content)
		return told(st, changes, ok, reason != "" && first, func() (board.Changes[site.FlowView], bool) { return b.Flows(0, st.site, st.content) })
	case ViewEndpoints:
		changes, ok := b.Endpoints(st.since, st.site)
		return told(st, changes, ok, reason != "" && first, func() (board.Changes[site.EndpointView], bool) { return b.Endpoints(0, st.site) })
	}
	whole, err := st.whole(ctx)
	if errors.Is(err, site.ErrStopped) || ctx.Err() != nil {
		return err
	}
	if err != nil {
		return nil // the database is away for a moment
	}
	text, err := json.Marshal(whole)
	if err != nil || string(text) == string(st.last) {
		return err
	}
	st.last = text
	return st.event("change", st.id(0), text)
}

// whole is the overview, or the rules: they are sent whole when something in them changed.
func (st *stream) whole(ctx context.Context) (any, error) {
	if st.view == ViewOverview {
		overview, err := st.server.overview(ctx, countsLast)
		return Changed[Overview]{View: st.view, Set: []Overview{overview}}, err
	}
	rules, err := st.server.rules(ctx)
	rules = slices.DeleteFunc(rules, func(r RuleView) bool { return st.site != "" && r.Site != "" && r.Site != st.site })
	return Changed[RuleView]{View: st.view, Set: rules}, err
}

// told sends changes in events of bounded size. The last one has the number they bring the
// reader up to, so that one who is cut off between them begins anew.
func told[T any](st *stream, changes board.Changes[T], ok, always bool, all func() (board.Changes[T], bool)) error {
	if !ok { // more came and went than is remembered
		if err := st.send("reset", false, Reset{st.view, "gap"}); err != nil {
			return err
		}
		changes, _ = all()
		always = true
	}
	if len(changes.Set)+len(changes.Gone) == 0 && !always {
		st.since = changes.Seq
		return nil
	}
	for {
		set := changes.Set[:min(len(changes.Set), itemsPerEvent)]
		gone := changes.Gone[:min(len(changes.Gone), itemsPerEvent)]
		changes.Set, changes.Gone = changes.Set[len(set):], changes.Gone[len(gone):]
		more := len(changes.Set)+len(changes.Gone) > 0
		if !more {
			st.since = changes.Seq
		}
		if err := st.send("change", !more, Changed[T]{st.view, set, gone, more}); err != nil || !more {
			return err
		}
	}
}

// id is the number of a change, and of the server's start.
func (st *stream) id(seq uint64) string { return fmt.Sprintf("%d.%d", st.server.Hub.Epoch(), seq) }

func (st *stream) send(kind string, whole bool, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	id := ""
	if whole {
		id = st.id(st.since)
	}
	return st.event(kind, id, text)
}

// event writes one. JSON has no line breaks.
func (st *stream) event(kind, id string, text []byte) error {
	out := "event: " + kind + "\n"
	if id != "" {
		out += "id: " + id + "\n"
	}
	return st.write(out + "data: " + string(text) + "\n\n")
}

func (st *stream) write(text string) error {
	st.wrote = time.Now()
	_ = st.times.SetWriteDeadline(st.wrote.Add(writeTimeout)) // not all writers can
	if _, err := st.w.Write([]byte(text)); err != nil {
		return err
	}
	return st.times.Flush()
}
