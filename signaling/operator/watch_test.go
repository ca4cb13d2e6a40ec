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

	"github.com/sitecast/sitecast/signaling/operator"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
)

// answers is a server that lists these flows, one list after the other and then the
// last again. Every other request is a success.
type answers struct {
	lists [][]site.FlowView
	asked atomic.Int64 // how often flows were asked for
	fail  atomic.Int64 // status of the answers, when not 0
}

func (a *answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/api/v1/flows":
	case "/api/v1/sites":
		_, _ = w.Write([]byte("[]"))
		return
	default:
		_, _ = w.Write([]byte("{}"))
		return
	}
	n := a.asked.Add(1)
	if status := a.fail.Load(); status != 0 {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(int(status))
		_, _ = fmt.Fprintf(w, `{"status":%d,"code":"trouble","detail":"there is trouble","hint":"do something"}`, status)
		return
	}
	_ = json.NewEncoder(w).Encode(a.lists[min(int(n), len(a.lists))-1])
}

// begin runs a command beside the test and returns how to get its end.
func begin(ctx context.Context, c command) func() error {
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	return func() error { return <-done }
}

func TestDistributeWaitsUntilItIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &answers{lists: [][]site.FlowView{{flow("shop", site.StateRunning, 2, 0, 100)}, {flow("shop", site.StateRunning, 2, 1, 500)},
			{flow("shop", site.StateComplete, 2, 2, 1000)}}}
		s := newFake(t, a.ServeHTTP)
		begun := time.Now()
		got := s.run(operator.Distribute{Remote: s.remote, Ref: "app@2", Site: []string{"shop"}, Wait: true})
		if got != "Ordered app@2 to shop.\n" {
			t.Errorf("printed %q", got)
		}
		if progress := s.err.take(); !strings.HasSuffix(progress, "100%  2 of 2 endpoints  in 0.0 s: 1.0 kB over the WAN, 0 B from peers\n") {
			t.Errorf("showed %q, want the site complete at the end", progress)
		}
		if took := time.Since(begun); took != 2*operator.WaitEvery {
			t.Errorf("took %v, want %v", took, 2*operator.WaitEvery)
		}
		s.end()
	})
}

func TestDistributeEndsWithTheReasonWhenItCannotBe(t *testing.T) {
	for name, c := range map[string]struct {
		flows []site.FlowView
		after time.Duration
		want  string
	}{
		"nobody is online":  {[]site.FlowView{flow("shop", site.StateWaiting, 0, 0, 0)}, operator.Patience, "nobody is online at shop"},
		"an endpoint fails": {[]site.FlowView{failed("shop", "till-1: disk full", 0)}, operator.Patience, "till-1: disk full"},
		"it is superseded":  {[]site.FlowView{older("shop", 0)}, operator.Patience, "supersedes"},
		"it takes too long": {[]site.FlowView{flow("shop", site.StateRunning, 2, 0, 1)}, time.Minute, "did not arrive everywhere within 1m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newFake(t, (&answers{lists: [][]site.FlowView{c.flows}}).ServeHTTP)
				begun := time.Now()
				err := operator.Distribute{Remote: s.remote, Ref: "app@2", Site: []string{"shop"}, Wait: true, Timeout: time.Minute}.Run(t.Context())
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("ended with %v, want %q", err, c.want)
				}
				if took := time.Since(begun); took != c.after {
					t.Errorf("took %v, want %v", took, c.after)
				}
				s.end()
			})
		})
	}
}

func TestAWaitOutlivesAServerThatIsAwayForAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &answers{lists: [][]site.FlowView{{flow("shop", site.StateRunning, 2, 0, 100)}}}
		s := newFake(t, a.ServeHTTP)
		end := begin(t.Context(), operator.Distribute{Remote: s.remote, Ref: "app@2", Site: []string{"shop"}, Wait: true})
		time.Sleep(time.Minute)
		a.fail.Store(http.StatusServiceUnavailable) // it stops
		time.Sleep(10 * time.Second)
		s.end() // it is gone
		time.Sleep(time.Minute)
		if shown := s.err.take(); !strings.Contains(shown, "there is trouble") || !strings.Contains(shown, "is the server running?") {
			t.Errorf("showed %q, want what is wrong with the server", shown)
		} else if n := strings.Count(shown, "is the server running?"); n > 15 {
			t.Errorf("told %d times in a minute that the server is gone", n)
		}
		a.fail.Store(0)
		a.lists = [][]site.FlowView{{flow("shop", site.StateComplete, 2, 2, 1000)}}
		s.serve(a.ServeHTTP)
		if err := end(); err != nil {
			t.Errorf("ended with %v, want success", err)
		}
		s.end()
	})
}

func TestWaitForAllSitesWaitsForThoseWhoseFlowIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		early := []site.FlowView{flow("a", site.StateComplete, 2, 2, 1000)}
		a := &answers{lists: [][]site.FlowView{early, early, append(early, flow("b", site.StateRunning, 1, 0, 0)),
			append(early, flow("b", site.StateComplete, 1, 1, 1000))}}
		s := newFake(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/api/v1/sites" {
				_, _ = w.Write([]byte(`[{"name":"a"},{"name":"b"}]`))
				return
			}
			a.ServeHTTP(w, r)
		})
		s.run(operator.Distribute{Remote: s.remote, Ref: "app@2", All: true, Wait: true})
		if n := a.asked.Load(); n != 4 {
			t.Errorf("ended after %d looks, want 4, when both sites were complete", n)
		}
		s.end()
	})
}

func TestARefusalEndsAWaitAndAWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &answers{}
		a.fail.Store(http.StatusForbidden)
		s := newFake(t, a.ServeHTTP)
		for _, c := range []command{operator.Distribute{Remote: s.remote, Ref: "app@2", All: true, Wait: true}, operator.Flows{Remote: s.remote, Watch: true},
			operator.Flows{Remote: s.remote}} {
			if err := c.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "there is trouble\n  do something") {
				t.Errorf("%T ended with %v, want the server's words and its hint", c, err)
			}
		}
		s.end()
	})
}

func TestAnInterruptedWaitSaysThatTheDistributionGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFake(t, (&answers{lists: [][]site.FlowView{{flow("shop", site.StateRunning, 2, 0, 100)}}}).ServeHTTP)
		ctx, stop := context.WithCancel(t.Context())
		end := begin(ctx, operator.Distribute{Remote: s.remote, Ref: "app@2", All: true, Wait: true})
		time.Sleep(time.Minute)
		stop()
		if err := end(); err == nil || !strings.Contains(err.Error(), "app@2 goes on") {
			t.Errorf("ended with %v, want that it goes on", err)
		}
		s.end()
	})
}

// TestATimeoutHoldsAlsoWhileTheServerIsSilent: a call may take longer than the
// operator wants to wait.
func TestATimeoutHoldsAlsoWhileTheServerIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFake(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/api/v1/flows" {
				<-r.Context().Done()
				return
			}
			_, _ = w.Write(map[bool][]byte{true: []byte("[]"), false: []byte("{}")}[r.URL.Path == "/api/v1/sites"])
		})
		begun := time.Now()
		err := operator.Distribute{Remote: s.remote, Ref: "app@2", All: true, Wait: true, Timeout: 3 * time.Second}.Run(t.Context())
		if took := time.Since(begun); err == nil || !strings.Contains(err.Error(), "within 3s") || took != 3*time.Second {
			t.Errorf("ended after %v with %v, want the timeout after 3s", took, err)
		}
		s.end()
	})
}

// TestWatchingJSONPrintsAnArrayALine also while the server is away: what is no JSON
// goes to stderr.
func TestWatchingJSONPrintsAnArrayALine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &answers{lists: [][]site.FlowView{{flow("shop", site.StateRunning, 2, 0, 100)}}}
		s := newFake(t, a.ServeHTTP)
		ctx, stop := context.WithCancel(t.Context())
		end := begin(ctx, operator.Flows{Remote: s.remote, Watch: true, JSON: true})
		time.Sleep(3*operator.WatchEvery + operator.WatchEvery/2)
		a.fail.Store(http.StatusInternalServerError)
		time.Sleep(3 * operator.WatchEvery)
		a.fail.Store(0)
		time.Sleep(2 * operator.WatchEvery)
		stop()
		if err := end(); err != nil {
			t.Errorf("an interrupted watch ended with %v, want success", err)
		}
		lines := strings.Split(strings.TrimSuffix(s.out.take(), "\n"), "\n")
		if len(lines) != 6 {
			t.Errorf("printed %d lines, want 6", len(lines))
		}
		for _, line := range lines {
			if flows := decode[[]site.FlowView](t, line); len(flows) != 1 || flows[0].Site != "shop" {
				t.Errorf("printed %q, want the flows", line)
			}
		}
		if told := s.err.take(); strings.Count(told, "there is trouble") != 1 {
			t.Errorf("told %q, want the trouble once", told)
		}
		s.end()
	})
}

func TestWatchingWithoutATerminalPrintsWhatChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := flow("shop", site.StateRunning, 2, 0, 100), flow("shop", site.StateRunning, 2, 0, 500)
		s := newFake(t, (&answers{lists: [][]site.FlowView{{one}, {one}, {one}, {two}}}).ServeHTTP)
		ctx, stop := context.WithCancel(t.Context())
		end := begin(ctx, operator.Flows{Remote: s.remote, Watch: true})
		time.Sleep(time.Minute)
		stop()
		if err := end(); err != nil {
			t.Errorf("ended with %v, want success", err)
		}
		if got := strings.Count(s.out.take(), "app@2"); got != 2 {
			t.Errorf("printed the flow %d times, want once for each state", got)
		}
		s.end()
	})
}

func TestFlowsAsATable(t *testing.T) {
	running := flow("shop-1", site.StateRunning, 4, 1, 500)
	running.WANBPS, running.PeerBPS, running.ETASeconds, running.Priority = 5_000_000, 40_000_000, 90, "high"
	p95 := 1.43
	running.Receipt = &site.ReceiptView{AddedDelayP95: &p95, YieldShare: 0.123}
	broken := failed("shop-2", "till\t\x1b[2J: disk full", 1000)
	got := strings.Join(operator.FlowLines([]site.FlowView{running, broken}), "\n")
	want := "SITE    CONTENT  STATE           DONE                        ENDPOINTS  ORIGIN  PEERS  RELAY  REUSED  WAN RATE    PEER RATE    ETA\n" +
		"shop-1  app@2    running (high)  ██████████░░░░░░░░░░   50%  1/4        500 B   0 B    0 B    0 B     5.0 Mbit/s  40.0 Mbit/s  1m30s\n" +
		"shop-2  app@2    failed          ███████████████████▊   99%  1/2        1.0 kB  0 B    0 B    0 B     0 bit/s     0 bit/s      -\n" +
		"app at shop-1: added delay p95 1.4 ms, stood back 12 % of the time\n" +
		"app at shop-2: till??[2J: disk full"
	if got != want {
		t.Errorf("flows as a table:\n%s\nwant\n%s", got, want)
	}
}

func TestEndpointsAsATableAndAsJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list := []site.EndpointView{
			{ID: "aaaaaaaabbbbbbbbccccccccdddddddd", Name: "till-1\nroot", Site: "shop", Kind: "agent", Online: true, Version: "1.0", Links: 3,
				Holds: []string{"app@1", "app@2"}, Flows: []site.EndpointInFlow{}},
			{ID: "bbbbbbbbaaaaaaaaccccccccdddddddd", Name: "till-2", Site: "shop", Kind: "kiosk", LastSeen: time.Unix(1_700_000_000, 0), Holds: []string{},
				Activation: &wire.Activation{Content: "app", Version: "1", State: "rolled_back", Staged: "2", Reason: "2 failed:\nstatus 500"}},
			{Name: "till-3", Site: "shop", Activation: &wire.Activation{Content: "app", Version: "2", State: "unhealthy", Reason: "status 500", Since: time.Unix(1_700_000_000, 0)}},
		}
		s := newFake(t, func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(list) })
		table := strings.Split(s.run(operator.Endpoints{Remote: s.remote}), "\n")
		if len(table) != 7 || table[5] != "till-3 at shop: app@2 is active, unhealthy since "+time.Unix(1_700_000_000, 0).Local().Format(time.DateTime)+": status 500" || table[4] != "till-2 at shop: app@1 is active, rolled back: 2 failed:?status 500" || !strings.Contains(table[1], "till-1?root") || !strings.Contains(table[1], "online") ||
			!strings.Contains(table[1], "app@1 app@2") || !strings.Contains(table[1], "aaaaaaaa") || strings.Contains(table[1], "bbbb") ||
			!strings.Contains(table[2], "offline") || !strings.Contains(table[2], time.Unix(1_700_000_000, 0).Local().Format(time.DateTime)) {
			t.Errorf("endpoints as a table:\n%s", strings.Join(table, "\n"))
		}
		for _, e := range decode[[]map[string]any](t, s.run(operator.Endpoints{Remote: s.remote, JSON: true})) {
			wantKeys(t, "endpoint", e, "id", "name", "site", "kind", "online", "last_seen", "version", "holds")
		}
		s.end()
	})
}

func TestWhatIsNoSitecastServerIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		status := http.StatusOK
		s := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte("<html>hello</html>"))
		})
		for _, status = range []int{http.StatusOK, http.StatusNotFound, http.StatusBadGateway} {
			if err := (operator.SiteList{Remote: s.remote}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "a Sitecast server?") {
				t.Errorf("%d with a web page: %v, want the question whether it is a Sitecast server", status, err)
			}
		}
		s.end()
	})
}

// TestSitesAreReadPageByPage: a listing is cut at a thousand.
func TestSitesAreReadPageByPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const all = 2500
		s := newFake(t, func(w http.ResponseWriter, r *http.Request) {
			page := []map[string]any{}
			after := r.URL.Query().Get("after")
			for i := range all {
				if name := fmt.Sprintf("shop-%04d", i); name > after && len(page) < 1000 {
					page = append(page, map[string]any{"name": name, "cidrs": []string{}, "cap_bytes_per_second": -1})
				}
			}
			_ = json.NewEncoder(w).Encode(page)
		})
		if got := len(decode[[]map[string]any](t, s.run(operator.SiteList{Remote: s.remote, JSON: true}))); got != all {
			t.Errorf("listed %d sites, want %d", got, all)
		}
		s.end()
	})
}
