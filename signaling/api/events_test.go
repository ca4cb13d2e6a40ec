package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/board"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

// tape is a stream of events as its reader gets it.
type tape struct {
	header http.Header
	stop   func()
	done   chan struct{}

	// mu guards the rest.
	mu     sync.Mutex
	text   strings.Builder
	status int
	stuck  chan struct{} // writes wait until it is closed; nil: they don't
}

func (t *tape) Header() http.Header { return t.header }

func (t *tape) WriteHeader(status int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.status = status
}

func (t *tape) Write(b []byte) (int, error) {
	t.mu.Lock()
	stuck := t.stuck
	t.mu.Unlock()
	if stuck != nil {
		<-stuck
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(b)
}

func (t *tape) Flush() {}

// take returns what came since the last time.
func (t *tape) take() string {
	synctest.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	text := t.text.String()
	t.text.Reset()
	return text
}

// watch opens a stream.
func (s *stand) watch(query, last string) *tape {
	s.t.Helper()
	ctx, stop := context.WithCancel(s.t.Context())
	t := &tape{header: http.Header{}, stop: stop, done: make(chan struct{})}
	r := s.request(catalog.RoleViewer, "GET", "/api/v1/events?"+query, nil).WithContext(ctx)
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	go func() {
		defer close(t.done)
		s.handler.ServeHTTP(t, r)
	}()
	synctest.Wait()
	return t
}

func (t *tape) end() {
	t.stop()
	<-t.done
}

// wantTape checks what came, with "*" for what doesn't matter within a line.
func wantTape(t *testing.T, what, got string, want ...string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(strings.ReplaceAll(got, "\n\n", "\n")), "\n")
	if got == "" {
		lines = nil
	}
	if len(lines) != len(want) {
		t.Errorf("%s: got %q, want %q", what, lines, want)
		return
	}
	for i, w := range want {
		rest, ok := lines[i], true
		for n, part := range strings.Split(w, "*") {
			var before string
			if before, rest, ok = strings.Cut(rest, part); !ok || n == 0 && before != "" {
				t.Errorf("%s: line %q, want %q", what, lines[i], w)
				break
			}
		}
	}
}

// order distributes a new version to a site.
func (s *stand) order(name, version string, sites ...string) {
	s.t.Helper()
	s.published(name, version)
	s.call("POST", "/distributions", api.NewDistribution{Name: name, Version: version, Sites: sites, Priority: wire.Normal}, nil)
}

func TestAStreamBeginsWithEverythingAndThenTellsWhatIsNew(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stand) {
		s.order("app", "1", "shop-1")
		s.order("film", "1", "shop-2")
		s.flows("")
		tape := s.watch("view=flows", "")
		wantTape(t, "begin", tape.take(), "retry: 2000", "event: reset", `data: {"view":"flows","reason":"begin"}`,
			"event: change", "id: 1.*", `data: {"view":"flows","set":[{"site":"shop-1","content":"app"*{"site":"shop-2","content":"film"*]}`)
		if got := tape.header.Get("Content-Type"); got != "text/event-stream" {
			t.Errorf("Content-Type = %q", got)
		}
		time.Sleep(10 * board.Every)
		if got := tape.take(); got != "" {
			t.Errorf("while nothing happens got %q", got)
		}
		s.order("app", "2", "shop-1")
		time.Sleep(2 * board.Every)
		wantTape(t, "a newer version", tape.take(), "event: change", "id: 1.*", `data: {"view":"flows","set":[{"site":"shop-1","content":"app","version":"2"*],"gone":["shop-1/app@1"]}`)
		for range 6 { // what is nobody's business is not told, but that the stream lives
			time.Sleep(api.HeartbeatEvery / 5)
		}
		wantTape(t, "silence", tape.take(), ": all is well")
		tape.end()
		one := s.watch("view=flows&site=shop-2&content=film", "")
		wantTape(t, "a part", one.take(), "retry: 2000", "event: reset", "data: *", "event: change", "id: 1.*", `data: {"view":"flows","set":[{"site":"shop-2","content":"film"*]}`)
		one.end()
	})
}

func lastID(t *testing.T, text string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text[max(strings.LastIndex(text, "\nid: "), 0):], "id: ")
	if !ok {
		t.Fatalf("no id in %q", text)
	}
	id, _, _ := strings.Cut(rest, "\n")
	return id
}

func TestWhoComesBackMissesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stand) {
		s.order("app", "1", "shop-1")
		s.flows("")
		tape := s.watch("view=flows", "")
		id := lastID(t, tape.take())
		tape.end()
		tape = s.watch("view=flows", id)
		wantTape(t, "nothing was missed", tape.take(), "retry: 2000")
		tape.end()
		s.order("app", "2", "shop-1")
		s.flows("")
		tape = s.watch("view=flows", id)
		wantTape(t, "a version was missed", tape.take(), "retry: 2000", "event: change", "id: 1.*", `data: *"version":"2"*"gone":["shop-1/app@1"]}`)
		tape.end()
		for other, reason := range map[string]string{"0.1": "restart", "nonsense": "restart", "1.999999": "gap", "1.0": "gap", "1.x": "restart"} {
			tape = s.watch("view=flows", other)
			if got := tape.take(); !strings.Contains(got, `"reason":"`+reason+`"`) || !strings.Contains(got, `"version":"2"`) {
				t.Errorf("from %q on got %q, want a reset because of %s, and everything", other, got, reason)
			}
			tape.end()
		}
	})
}

func TestEndpointsAndOverviewAreWatched(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stand) {
		e := s.enrolled("shop-1", "till", "agent")
		s.flows("")
		endpoints, overview := s.watch("view=endpoints&site=shop-1", ""), s.watch("view=overview", "")
		wantTape(t, "nobody", endpoints.take(), "retry: 2000", "event: reset", "data: *", "event: change", "id: 1.*", `data: {"view":"endpoints"}`)
		wantTape(t, "nobody", overview.take(), "retry: 2000", "event: reset", "data: *", "event: change", "id: 1.0", `data: {"view":"overview","set":[{"sites":2,"endpoints":1,*"endpoints_online":0*]}`)
		s.join(e)
		time.Sleep(2 * board.Every)
		wantTape(t, "it joins", endpoints.take(), "event: change", "id: *", `data: {"view":"endpoints","set":[{"id":*"online":true*]}`)
		wantTape(t, "it joins", overview.take(), "event: change", "id: *", `data: *"endpoints_online":1*`)
		s.hub.Site("shop-1").Send(site.Left{ID: wire.EndpointID(e.ID), Conn: nobody{}})
		time.Sleep(2 * board.Every)
		wantTape(t, "it leaves", endpoints.take(), "event: change", "id: *", `data: {"view":"endpoints","gone":["shop-1/`+e.ID+`"]}`)
		endpoints.end()
		overview.end()
	})
}

// TestAReaderWhoIsStuckHoldsUpNobody: others are told on, and it gets the rest at once.
func TestAReaderWhoIsStuckHoldsUpNobody(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stand) {
		s.order("app", "1", "shop-1")
		s.flows("")
		stuck, other := s.watch("view=flows", ""), s.watch("view=flows", "")
		stuck.take()
		other.take()
		stuck.mu.Lock()
		stuck.stuck = make(chan struct{})
		stuck.mu.Unlock()
		for _, v := range []string{"2", "3", "4"} {
			s.order("app", v, "shop-1")
			time.Sleep(2 * board.Every)
			if got := other.take(); !strings.Contains(got, `"version":"`+v+`"`) {
				t.Errorf("the other got %q, want version %s", got, v)
			}
		}
		close(stuck.stuck)
		time.Sleep(2 * board.Every)
		if got := stuck.take(); !strings.Contains(got, `"version":"4"`) || strings.Contains(got, `"version":"3"`) {
			t.Errorf("got %q, want what is there now", got)
		}
		stuck.end()
		other.end()
	})
}

func TestStreamsEndAndAreFewAndOfSomething(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stand) {
		for query, want := range map[string]int{"": 422, "view=everything": 422, "view=overview&site=shop-1": 422, "view=endpoints&content=app": 422,
			"view=flows&site=shop-9": 404, "view=flows&content=" + strings.Repeat("x", 101): 422} {
			w := s.as(catalog.RoleViewer, "GET", "/api/v1/events?"+query, nil)
			wantProblem(t, w, want, map[int]string{422: "invalid", 404: "not_found"}[want])
		}
		r := httptest.NewRequest("GET", "/api/v1/events?view=flows", nil)
		wantProblem(t, s.do(r), http.StatusUnauthorized, "unauthorized")
		var open []*tape
		for range api.MaxStreams {
			open = append(open, s.watch("view=flows&site=shop-1", ""))
		}
		w := s.as(catalog.RoleViewer, "GET", "/api/v1/events?view=flows", nil)
		if wantProblem(t, w, http.StatusServiceUnavailable, "too_many_streams"); w.Header().Get("Retry-After") != "30" {
			t.Errorf("Retry-After %q, want 30: streams last", w.Header().Get("Retry-After"))
		}
		for _, tape := range open[1:] {
			tape.end()
		}
		time.Sleep(api.StreamLife + time.Second)
		<-open[0].done
		s.watch("view=flows&site=shop-1", "").end()
	})
}

func TestTheDocumentsDescribeEvents(t *testing.T) {
	s := newStand(t)
	page := s.as("", "GET", "/api/v1/docs", nil)
	for _, want := range []string{"/api/v1/events", "GET</span> <code>/api/v1/sites", "schema-FlowView", "If-Match", "prefers-color-scheme: dark"} {
		if !strings.Contains(page.Body.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if policy := page.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") {
		t.Errorf("Content-Security-Policy = %q", policy)
	}
	for _, never := range []string{"<script", "http://", "src="} {
		if strings.Contains(page.Body.String(), never) {
			t.Errorf("the page has %q in it", never)
		}
	}
	var open map[string]any
	s.must(json.Unmarshal(s.as("", "GET", "/api/v1/openapi.json", nil).Body.Bytes(), &open))
	if open["openapi"] != "3.1.0" {
		t.Errorf("it is OpenAPI %v", open["openapi"])
	}
}
