package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/storage/catalog"
)

// asking asks with headers, as an admin.
func (s *stand) asking(method, path string, body any, headers ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	r := s.request(catalog.RoleAdmin, method, "/api/v1"+path, body)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return s.do(r)
}

func TestWhatHasNotChangedIsNotSentAgain(t *testing.T) {
	s := newStand(t)
	s.call("POST", "/sites", api.NewSite{Name: "shop-1"}, nil)
	for _, path := range []string{"/sites", "/sites/shop-1", "/audit", "/rules", "/contents", "/trust", "/openapi.json", "/docs"} {
		first := s.asking("GET", path, nil)
		tag := first.Header().Get("ETag")
		if first.Code != http.StatusOK || tag == "" {
			t.Errorf("%s answered %d with ETag %q", path, first.Code, tag)
			continue
		}
		for _, held := range []string{tag, `"x", W/` + tag, "*"} {
			if w := s.asking("GET", path, nil, "If-None-Match", held); w.Code != http.StatusNotModified || w.Body.Len() != 0 || w.Header().Get("ETag") != tag {
				t.Errorf("%s with %s answered %d and %d bytes, want 304 without any", path, held, w.Code, w.Body.Len())
			}
		}
		if w := s.asking("GET", path, nil, "If-None-Match", `"x"`); w.Code != http.StatusOK {
			t.Errorf("%s with another tag answered %d", path, w.Code)
		}
	}
	tag := s.asking("GET", "/sites", nil).Header().Get("ETag")
	s.call("POST", "/sites", api.NewSite{Name: "shop-2"}, nil)
	if w := s.asking("GET", "/sites", nil, "If-None-Match", tag); w.Code != http.StatusOK {
		t.Errorf("after a change got %d", w.Code)
	}
}

func TestAPageThatGoesOnIsAnotherThanTheSameThatEnds(t *testing.T) {
	s := newStand(t)
	s.call("POST", "/sites", api.NewSite{Name: "a"}, nil)
	tag := s.asking("GET", "/flows?limit=1", nil).Header().Get("ETag")
	if more := s.asking("GET", "/sites?limit=1", nil); more.Header().Get("ETag") == tag || more.Header().Get("Link") == "" {
		t.Errorf("a page has ETag %q and Link %q", more.Header().Get("ETag"), more.Header().Get("Link"))
	}
}

func TestAChangeIsRefusedWhenSomebodyWasFaster(t *testing.T) {
	s := newStand(t)
	s.call("POST", "/sites", api.NewSite{Name: "shop-1"}, nil)
	seen := s.asking("GET", "/sites/shop-1", nil).Header().Get("ETag")
	limit := int64(1000)
	change := api.SiteChange{CapBytesPerSecond: &limit}
	if w := s.asking("PATCH", "/sites/shop-1", change, "If-Match", seen); w.Code != http.StatusOK {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	before := len(audit(s))
	wantProblem(t, s.asking("PATCH", "/sites/shop-1", change, "If-Match", seen), http.StatusPreconditionFailed, "changed")
	if len(audit(s)) != before {
		t.Error("it was made all the same")
	}
	if w := s.asking("PATCH", "/sites/shop-1", change, "If-Match", "*"); w.Code != http.StatusOK {
		t.Errorf("of whatever is there: answered %d %s", w.Code, w.Body)
	}
	wantProblem(t, s.asking("PATCH", "/sites/shop-2", change, "If-Match", seen), http.StatusNotFound, "not_found")
}

func TestAChangeWithAKeyIsMadeOnce(t *testing.T) {
	s := newStand(t)
	body := api.NewSite{Name: "shop-1"}
	first := s.asking("POST", "/sites", body, "Idempotency-Key", `"k-1"`)
	if first.Code != http.StatusOK || first.Header().Get("Idempotency-Replayed") != "" {
		t.Fatalf("answered %d %s", first.Code, first.Body)
	}
	before := len(audit(s))
	for _, key := range []string{`"k-1"`, "k-1"} {
		again := s.asking("POST", "/sites", body, "Idempotency-Key", key)
		if again.Code != first.Code || again.Body.String() != first.Body.String() || again.Header().Get("Idempotency-Replayed") != "true" ||
			again.Header().Get("Content-Type") != first.Header().Get("Content-Type") {
			t.Errorf("again answered %d %s %v, want the first %s", again.Code, again.Body, again.Header(), first.Body)
		}
	}
	if len(audit(s)) != before {
		t.Error("it was made again")
	}
	wantProblem(t, s.asking("POST", "/sites", body), http.StatusConflict, "conflict")
	wantProblem(t, s.asking("POST", "/sites", body, "Idempotency-Key", "k-2"), http.StatusConflict, "conflict")
	wantProblem(t, s.asking("POST", "/sites", api.NewSite{Name: "shop-2"}, "Idempotency-Key", "k-1"), http.StatusUnprocessableEntity, "key_reused")
	wantProblem(t, s.asking("POST", "/enrolments", body, "Idempotency-Key", "k-1"), http.StatusUnprocessableEntity, "key_reused")
	for _, key := range []string{`""`, "a b", strings.Repeat("k", 129), "ä", `"k`} {
		wantProblem(t, s.asking("POST", "/sites", body, "Idempotency-Key", key), http.StatusUnprocessableEntity, "invalid")
	}
}

func TestWhatFailedIsTriedAgainUnderItsKey(t *testing.T) {
	s := newStand(t)
	in := api.NewEnrolment{Site: "shop-1", Uses: 1, TTLSeconds: 60}
	wantProblem(t, s.asking("POST", "/enrolments", in, "Idempotency-Key", "k"), http.StatusNotFound, "not_found")
	s.call("POST", "/sites", api.NewSite{Name: "shop-1"}, nil)
	if w := s.asking("POST", "/enrolments", in, "Idempotency-Key", "k"); w.Code != http.StatusOK {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
}

func TestKeysOfOthersAreOthers(t *testing.T) {
	s := newStand(t)
	rule := api.NewRule{Kind: catalog.RulePause}
	for range 2 {
		s.asking("POST", "/rules", rule, "Idempotency-Key", "k")
	}
	r := s.request(catalog.RoleOperator, "POST", "/api/v1/rules", rule)
	r.Header.Set("Idempotency-Key", "k")
	if w := s.do(r); w.Code != http.StatusOK || w.Header().Get("Idempotency-Replayed") != "" {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	if entries := audit(s); entries[0].By != "the operator" || entries[1].By != "the admin" || entries[2].Action == "pause" {
		t.Errorf("the audit log ends with %+v", entries[:3])
	}
}

// TestAKeptAnswerTellsTheDatabaseNothing: it may hold a token.
func TestAKeptAnswerTellsTheDatabaseNothing(t *testing.T) {
	spy := &spying{}
	s := newStand(t, func(cfg *api.Config) { spy.Catalog, cfg.Catalog = cfg.Catalog, spy })
	s.call("POST", "/sites", api.NewSite{Name: "shop-1"}, nil)
	w := s.asking("POST", "/enrolments", api.NewEnrolment{Site: "shop-1", Uses: 1, TTLSeconds: 60}, "Idempotency-Key", "k")
	var made api.MadeEnrolment
	s.must(json.Unmarshal(w.Body.Bytes(), &made))
	if len(spy.kept) != 1 || made.Token == "" {
		t.Fatalf("answered %d %s, and kept %d", w.Code, w.Body, len(spy.kept))
	}
	if text := fmt.Sprintf("%s %s", spy.kept[0].Sealed, spy.kept[0].Digest); strings.Contains(text, made.Token) || strings.Contains(text, "shop-1") || strings.Contains(text, "token") {
		t.Errorf("what is kept can be read: %q", text)
	}
}

// spying sees what answers are kept, and may hold up changes.
type spying struct {
	catalog.Catalog
	kept []catalog.Answer
	hold chan struct{} // nil: nothing is held up
}

func (s *spying) KeepAnswer(ctx context.Context, a catalog.Answer) error {
	s.kept = append(s.kept, a)
	return s.Catalog.KeepAnswer(ctx, a)
}

func (s *spying) SetRule(ctx context.Context, by string, r catalog.Rule) (uint64, error) {
	generation, err := s.Catalog.SetRule(context.WithoutCancel(ctx), by, r)
	if s.hold != nil {
		<-s.hold
	}
	if err == nil {
		err = ctx.Err()
	}
	return generation, err
}

func TestAKeyThatIsUnderWayIsToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spy := &spying{hold: make(chan struct{})}
		s := newStand(t, func(cfg *api.Config) { spy.Catalog, cfg.Catalog = cfg.Catalog, spy })
		rule := api.NewRule{Kind: catalog.RulePause}
		ctx, hangUp := context.WithCancel(t.Context())
		first := s.request(catalog.RoleAdmin, "POST", "/api/v1/rules", rule).WithContext(ctx)
		first.Header.Set("Idempotency-Key", "k")
		done := make(chan int)
		go func() { done <- s.do(first).Code }()
		synctest.Wait()
		w := s.asking("POST", "/rules", rule, "Idempotency-Key", "k")
		wantProblem(t, w, http.StatusConflict, "in_progress")
		if w.Header().Get("Retry-After") != "1" {
			t.Errorf("Retry-After = %q, want 1", w.Header().Get("Retry-After"))
		}
		hangUp() // the caller goes away, and comes back
		close(spy.hold)
		<-done
		if w := s.asking("POST", "/rules", rule, "Idempotency-Key", "k"); w.Code != http.StatusOK || w.Header().Get("Idempotency-Replayed") != "true" {
			t.Errorf("who came back got %d %s", w.Code, w.Body)
		}
		time.Sleep(api.AnswersLast + time.Second)
		if w := s.asking("POST", "/rules", rule, "Idempotency-Key", "k"); w.Code != http.StatusOK || w.Header().Get("Idempotency-Replayed") != "" {
			t.Errorf("a day later got %d %s %v, want a new change", w.Code, w.Body, w.Header())
		}
	})
}

func TestTooManyRequestsAreToldWhenToComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, func(cfg *api.Config) {
			cfg.Limits = api.Limits{Read: api.Limit{PerSecond: 2, Burst: 3}, Change: api.Limit{PerSecond: 0.5, Burst: 1}, Address: api.Limit{PerSecond: 100, Burst: 12}}
		})
		read := func() *httptest.ResponseRecorder { return s.as(catalog.RoleViewer, "GET", "/api/v1/sites", nil) }
		for left := 2; left >= 0; left-- {
			w := read()
			if got, want := w.Header().Get("RateLimit"), fmt.Sprintf(`"read";r=%d;t=%d`, left, (3-left+1)/2); w.Code != http.StatusOK || got != want {
				t.Errorf("answered %d with RateLimit %s, want %s", w.Code, got, want)
			}
			if got := w.Header().Get("RateLimit-Policy"); got != `"read";q=3;w=2` {
				t.Errorf("RateLimit-Policy = %s", got)
			}
		}
		w := read()
		wantProblem(t, w, http.StatusTooManyRequests, "too_many_requests")
		if got := w.Header().Get("Retry-After"); got != "1" {
			t.Errorf("Retry-After = %q, want 1", got)
		}
		if w := s.as(catalog.RoleOperator, "GET", "/api/v1/sites", nil); w.Code != http.StatusOK {
			t.Errorf("another one was refused: %d", w.Code)
		}
		rule := api.NewRule{Kind: catalog.RulePause}
		if w := s.as(catalog.RoleOperator, "POST", "/api/v1/rules", rule); w.Code != http.StatusOK {
			t.Errorf("a change was refused: %d %s", w.Code, w.Body)
		}
		w = s.as(catalog.RoleOperator, "POST", "/api/v1/rules", rule)
		wantProblem(t, w, http.StatusTooManyRequests, "too_many_requests")
		if got := w.Header().Get("Retry-After"); got != "2" {
			t.Errorf("Retry-After = %q, want 2", got)
		}
		time.Sleep(500 * time.Millisecond)
		if w := read(); w.Code != http.StatusOK {
			t.Errorf("after half a second answered %d", w.Code)
		}
	})
}

func TestOneAddressDoesNotTakeAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, func(cfg *api.Config) { cfg.Limits = api.Limits{Address: api.Limit{PerSecond: 1, Burst: 2}} })
		from := func(addr, role string) *httptest.ResponseRecorder {
			r := s.request(role, "GET", "/api/v1/sites", nil)
			r.RemoteAddr = addr
			return s.do(r)
		}
		for _, port := range []string{"1", "2"} { // also of who has no token
			wantProblem(t, from("203.0.113.1:"+port, ""), http.StatusUnauthorized, "unauthorized")
		}
		wantProblem(t, from("203.0.113.1:3", catalog.RoleAdmin), http.StatusTooManyRequests, "too_many_requests")
		for _, addr := range []string{"203.0.113.2:1", "[2001:db8::1]:1", "[2001:db8::2]:1"} {
			if w := from(addr, catalog.RoleAdmin); w.Code != http.StatusOK {
				t.Errorf("%s was refused: %d", addr, w.Code)
			}
		}
		wantProblem(t, from("[2001:db8::3]:1", catalog.RoleAdmin), http.StatusTooManyRequests, "too_many_requests")
	})
}

func TestManyAddressesTakeNoMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := api.NewRation(api.Limit{PerSecond: 1, Burst: 2})
		for i := range 2 * api.MaxBuckets {
			r.Take(fmt.Sprint(i))
		}
		if n := r.Buckets(); n != api.MaxBuckets {
			t.Errorf("%d are remembered, want %d", n, api.MaxBuckets)
		}
		if r.Take("one more") {
			t.Error("who is not remembered has as much as if nobody else asked")
		}
		time.Sleep(time.Minute) // all of them may ask again
		if !r.Take("one more") || r.Buckets() != 1 {
			t.Errorf("a minute later %d are remembered", r.Buckets())
		}
	})
}
