package operator_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/operator"
	"github.com/sitecast/sitecast/signaling/site"
)

// refusal answers with a problem.
func refusal(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"status":%d,"code":%q,"detail":"there is trouble","hint":"do something"}`, status, code)
}

func TestAChangeIsSentUntilItsAnswerIsHeard(t *testing.T) {
	for name, c := range map[string]struct {
		fail  []func(w http.ResponseWriter)
		asked int
		after time.Duration
		want  string // part of the error; empty: it succeeds
	}{
		"at once":                     {nil, 1, 0, ""},
		"the connection is lost":      {[]func(http.ResponseWriter){cutOff, cutOff}, 3, 1500 * time.Millisecond, ""},
		"the server stops":            {[]func(http.ResponseWriter){answer(503, "stopping")}, 2, 500 * time.Millisecond, ""},
		"a gateway finds nobody":      {[]func(http.ResponseWriter){answer(502, "x"), answer(504, "x")}, 3, 1500 * time.Millisecond, ""},
		"the first is under way":      {[]func(http.ResponseWriter){answer(409, "in_progress")}, 2, 500 * time.Millisecond, ""},
		"there were too many":         {[]func(http.ResponseWriter){tooMany}, 2, 7 * time.Second, ""},
		"a conflict is the last word": {[]func(http.ResponseWriter){answer(409, "conflict")}, 1, 0, "there is trouble"},
		"so is a fault":               {[]func(http.ResponseWriter){answer(500, "internal")}, 1, 0, "there is trouble"},
		"it goes on too long": {[]func(http.ResponseWriter){answer(503, "x"), answer(503, "x"), answer(503, "x"), answer(503, "x"), answer(503, "x"), answer(503, "x"), answer(503, "x")},
			6, 15500 * time.Millisecond, "there is trouble"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var keys []string
				s := newFake(t, func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodGet { // what became of it
						_, _ = w.Write([]byte(`[]`))
						return
					}
					keys = append(keys, r.Header.Get("Idempotency-Key"))
					if n := len(keys); n <= len(c.fail) {
						c.fail[n-1](w)
						return
					}
					_, _ = w.Write([]byte(`{"generation":7}`))
				})
				begun := time.Now()
				err := operator.Pause{Remote: s.remote, Selector: operator.Selector{Site: "shop"}}.Run(t.Context())
				if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
					t.Errorf("ended with %v, want %q", err, c.want)
				}
				if took := time.Since(begun); took != c.after || len(keys) != c.asked {
					t.Errorf("asked %d times in %v, want %d in %v", len(keys), took, c.asked, c.after)
				}
				for _, key := range keys {
					if key != keys[0] || len(key) < 20 {
						t.Errorf("keys %q, want the same each time", keys)
					}
				}
				s.end()
			})
		})
	}
}

func answer(status int, code string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { refusal(w, status, code) }
}

func tooMany(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "7")
	refusal(w, 429, "too_many_requests")
}

// cutOff ends the connection in the middle of an answer.
func cutOff(w http.ResponseWriter) {
	w.Header().Set("Content-Length", "100")
	_, _ = w.Write([]byte("{"))
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func TestEachChangeHasAKeyOfItsOwnAndReadingHasNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := map[string]bool{}
		s := newFake(t, func(w http.ResponseWriter, r *http.Request) {
			if key := r.Header.Get("Idempotency-Key"); key != "" || r.Method != http.MethodGet {
				seen[key] = true
			}
			_, _ = w.Write([]byte(map[bool]string{true: "[]", false: "{}"}[r.Method == http.MethodGet]))
		})
		for range 3 {
			s.run(operator.Pause{Remote: s.remote, Selector: operator.Selector{Site: "shop"}})
			s.run(operator.Flows{Remote: s.remote})
		}
		if len(seen) != 3 || seen[""] {
			t.Errorf("keys %v, want 3", seen)
		}
		s.end()
	})
}

func TestListsAreFollowedToTheirEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link := func(n int) string { return fmt.Sprintf(`</api/v1/flows?after=%d&site=shop>; rel="next"`, n) }
		s := newFake(t, func(w http.ResponseWriter, r *http.Request) {
			n := 0
			_, _ = fmt.Sscan(r.URL.Query().Get("after"), &n)
			if r.URL.Query().Get("site") != "shop" {
				refusal(w, 500, "internal")
				return
			}
			if n < 3 {
				w.Header().Set("Link", link(n+1))
			}
			_, _ = fmt.Fprintf(w, `[{"site":"shop","content":"c%d"}]`, n)
		})
		if got := decode[[]site.FlowView](t, s.run(operator.Flows{Remote: s.remote, Site: "shop", JSON: true})); len(got) != 4 || got[3].Content != "c3" {
			t.Errorf("listed %+v", got)
		}
		link = func(int) string { return `</api/v1/flows?after=0&site=shop>; rel="next"` }
		err := operator.Flows{Remote: s.remote, Site: "shop"}.Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "where its list goes on") {
			t.Errorf("a list that turns in a circle ended with %v", err)
		}
		s.end()
	})
}
