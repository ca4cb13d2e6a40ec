package operator

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/site"
)

const (
	// maxEventBytes bounds one line of a stream.
	maxEventBytes = 4 << 20
	// listenAgain is the wait before a stream that ended is opened again.
	listenAgain = time.Second
	// silence is how long a stream may say nothing.
	silence = 3 * api.HeartbeatEvery
)

// feed keeps flows as the server's events tell them. While there are none, because the
// server can't be reached or is one of before, flows are asked for.
type feed struct {
	server        *client
	site, content string

	// mu guards the rest.
	mu    sync.Mutex
	whole bool // flows are all there are
	flows map[string]told
	last  string // id of the last event
}

// told is a flow, and when it was told.
type told struct {
	flow site.FlowView
	at   time.Time
}

// look returns the flows there are now.
func (f *feed) look(ctx context.Context) ([]site.FlowView, error) {
	if flows, ok := f.now(time.Now()); ok {
		return flows, nil
	}
	return f.server.flows(ctx, f.site, f.content)
}

// now returns the flows as they were told, if that is all there are.
func (f *feed) now(now time.Time) (flows []site.FlowView, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.whole {
		return nil, false
	}
	flows = []site.FlowView{}
	for _, t := range f.flows {
		if t.flow.Finished.IsZero() {
			t.flow.Seconds += now.Sub(t.at).Seconds()
		}
		flows = append(flows, t.flow)
	}
	slices.SortFunc(flows, func(a, b site.FlowView) int {
		return cmp.Or(cmp.Compare(a.Site, b.Site), cmp.Compare(a.Content, b.Content), cmp.Compare(a.Version, b.Version))
	})
	return flows, true
}

// run listens until ctx ends, or the server turns out to have no events.
func (f *feed) run(ctx context.Context) {
	for f.listen(ctx) {
		f.set(false)
		select {
		case <-ctx.Done():
			return
		case <-time.After(listenAgain):
		}
	}
	f.set(false)
}

func (f *feed) set(whole bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.whole = whole
}

// listen follows one stream to its end. It reports whether it is worth to open another.
func (f *feed) listen(ctx context.Context) bool {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	query := filter(f.site, f.content)
	query.Set("view", api.ViewFlows)
	req, err := f.server.request(ctx, http.MethodGet, "/events", query, nil)
	if err != nil {
		return false
	}
	if f.last != "" {
		req.Header.Set("Last-Event-ID", f.last)
	}
	quiet := time.AfterFunc(silence, stop)
	defer quiet.Stop()
	resp, err := f.server.http.Do(req)
	if err != nil {
		return true // who polls says what is wrong
	}
	defer resp.Body.Close()
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if resp.StatusCode != http.StatusOK || err != nil || kind != "text/event-stream" {
		return resp.StatusCode >= http.StatusInternalServerError
	}
	_ = readEvents(resp.Body, func(e event) error { // however it ended, another may go on
		quiet.Reset(silence)
		return f.apply(e)
	})
	return true
}

// apply takes an event in.
func (f *feed) apply(e event) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch e.kind {
	case "reset":
		f.flows, f.whole = map[string]told{}, false
	case "change":
		var c api.Changed[site.FlowView]
		if err := json.Unmarshal([]byte(e.data), &c); err != nil {
			return fmt.Errorf("read an event: %w", err)
		}
		if f.flows == nil {
			f.flows = map[string]told{}
		}
		maps.DeleteFunc(f.flows, func(key string, _ told) bool { return slices.Contains(c.Gone, key) })
		for _, flow := range c.Set {
			f.flows[flow.Site+"/"+flow.Content+"@"+flow.Version] = told{flow, time.Now()}
		}
		f.whole = !c.More
	case "": // a sign of life: nothing has changed
		f.whole = f.flows != nil && f.last != ""
	}
	if e.id != "" {
		f.last = e.id
	}
	return nil
}

// event is one of a stream of server-sent events. One without a kind is a comment.
type event struct{ kind, id, data string }

// readEvents reads a stream to its end, as far as our server uses the format.
func readEvents(r io.Reader, do func(event) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxEventBytes)
	var e event
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "event":
			e.kind = value
		case "id":
			e.id = value
		case "data":
			if len(e.data)+len(value) > maxEventBytes {
				return fmt.Errorf("an event of more than %d bytes", maxEventBytes)
			}
			e.data += value
		case "":
			comment := strings.HasPrefix(lines.Text(), ":")
			if comment || e.kind != "" {
				done := e
				if comment {
					done = event{}
				} else {
					e = event{}
				}
				if err := do(done); err != nil {
					return err
				}
			} else {
				e = event{}
			}
		}
	}
	return lines.Err()
}
