package operator_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/operator"
	"github.com/sitecast/sitecast/signaling/site"
)

// streaming is a server with events: what is sent on the channel goes to who listens.
type streaming struct {
	events chan string
	polls  atomic.Int64
	opened atomic.Int64
	last   atomic.Value // Last-Event-ID
}

func (s *streaming) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/api/v1/flows" {
		s.polls.Add(1)
		_ = json.NewEncoder(w).Encode([]site.FlowView{flow("polled", site.StateRunning, 1, 0, 1)})
		return
	}
	s.opened.Add(1)
	s.last.Store(r.Header.Get("Last-Event-ID"))
	w.Header().Set("Content-Type", "text/event-stream")
	for {
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
			return
		case text := <-s.events:
			if text == "" {
				return
			}
			_, _ = w.Write([]byte(text))
		}
	}
}

// change is an event that sets flows.
func change(id string, more bool, gone []string, set ...site.FlowView) string {
	text, err := json.Marshal(api.Changed[site.FlowView]{View: "flows", Set: set, Gone: gone, More: more})
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("event: change\nid: %s\ndata: %s\n\n", id, text)
}

func TestAWatchListensAndAsksOnlyWhileItHearsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &streaming{events: make(chan string)}
		s := newFake(t, server.ServeHTTP)
		ctx, stop := context.WithCancel(t.Context())
		end := begin(ctx, operator.Flows{Remote: s.remote, Watch: true, JSON: true})
		sites := func() string {
			time.Sleep(operator.WatchEvery)
			synctest.Wait()
			lines := strings.Split(strings.TrimSpace(s.out.take()), "\n")
			var names []string
			for _, f := range decode[[]site.FlowView](t, lines[len(lines)-1]) {
				names = append(names, f.Site)
			}
			return strings.Join(names, " ")
		}
		want := func(what, want string) {
			t.Helper()
			if got := sites(); got != want {
				t.Errorf("%s: showed %q, want %q", what, got, want)
			}
		}
		want("before the first event", "polled")
		server.events <- "retry: 2000\n\nevent: reset\ndata: {\"view\":\"flows\",\"reason\":\"begin\"}\n\n"
		server.events <- change("1.4", true, nil, flow("b", site.StateRunning, 1, 0, 1))
		want("before it has everything", "polled")
		server.events <- change("1.5", false, nil, flow("a", site.StateRunning, 1, 0, 1))
		polls := server.polls.Load()
		want("with everything", "a b")
		server.events <- change("1.6", false, []string{"b/app@2"}, flow("c", site.StateRunning, 1, 0, 1))
		want("after a change", "a c")
		if got := server.polls.Load(); got > polls+1 { // one may have been under way
			t.Errorf("asked %d times while it listened", got-polls)
		}
		server.events <- "" // the stream ends
		want("while there is no stream", "polled")
		time.Sleep(2 * time.Second)
		if got := server.last.Load(); got != "1.6" || server.opened.Load() != 2 {
			t.Errorf("came back with %v, want 1.6", got)
		}
		server.events <- ": all is well\n\n"
		time.Sleep(operator.WatchEvery)
		want("back, and nothing was missed", "a c")
		server.events <- "event: reset\ndata: {}\n\n"
		server.events <- change("2.1", false, nil)
		want("after the server's restart", "")
		stop()
		if err := end(); err != nil {
			t.Errorf("ended with %v", err)
		}
		s.end()
	})
}

func TestASilentStreamIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &streaming{events: make(chan string)}
		s := newFake(t, server.ServeHTTP)
		ctx, stop := context.WithCancel(t.Context())
		end := begin(ctx, operator.Flows{Remote: s.remote, Watch: true, JSON: true})
		time.Sleep(3*api.HeartbeatEvery + 2*time.Second)
		synctest.Wait()
		if server.opened.Load() != 2 {
			t.Errorf("opened %d streams, want 2", server.opened.Load())
		}
		stop()
		if err := end(); err != nil {
			t.Errorf("ended with %v", err)
		}
		s.end()
	})
}

// FuzzEvents holds that no stream, whatever is in it, ends or hangs who reads it.
func FuzzEvents(f *testing.F) {
	f.Add("retry: 2000\n\nevent: reset\ndata: {}\n\n: all is well\n\n")
	f.Add(change("1.5", false, []string{"b/app@2"}, flow("a", site.StateRunning, 1, 0, 1)))
	f.Add("event: change\ndata: {\"set\":[{}],\n\n")
	f.Add("event: change\n\n\n:\n::\ndata\nid\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		if n, err := operator.ReadFlows(strings.NewReader(text)); n > strings.Count(text, "{") && err == nil {
			t.Errorf("%q gave %d flows", text, n)
		}
	})
}
