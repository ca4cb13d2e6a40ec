package api_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/board"
	"github.com/sitecast/sitecast/signaling/history"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

// recorded is a stand that writes down what it shows.
func recorded(t *testing.T) *stand {
	var r *history.Recorder
	s := newStand(t, func(cfg *api.Config) {
		store, err := history.Open(t.TempDir(), history.UsualBytes)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Board = board.New(cfg.Hub)
		r = history.New(store, cfg.Board, slog.New(slog.DiscardHandler))
		cfg.History = r
	})
	ctx, stop := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { _ = r.Run(ctx) })
	t.Cleanup(func() { stop(); done.Wait() })
	return s
}

func TestThePastIsListedAsItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := recorded(t)
		for _, name := range []string{"shop-1", "shop-2"} {
			s.call("POST", "/sites", api.NewSite{Name: name}, nil)
		}
		order := func(name string) {
			s.published(name, "1")
			s.call("POST", "/distributions", api.NewDistribution{Name: name, Version: "1", All: true, Priority: wire.Normal}, nil)
			s.flows("") // the loops of the sites have heard of it
		}
		order("app")
		time.Sleep(time.Minute)
		before := time.Now()
		time.Sleep(time.Minute)
		order("film")
		time.Sleep(time.Minute)
		ask := func(what string, at time.Time, more string) string {
			return "/history/" + what + "?at=" + url.QueryEscape(at.Format(time.RFC3339Nano)) + more
		}
		for path, want := range map[string]string{
			ask("flows", before, ""):                                  "shop-1/app@1 shop-2/app@1",
			ask("flows", before, "&limit=1"):                          "shop-1/app@1|shop-2/app@1",
			ask("flows", time.Now(), "&limit=3"):                      "shop-1/app@1 shop-1/film@1 shop-2/app@1|shop-2/film@1",
			ask("flows", time.Now(), "&site=shop-2"):                  "shop-2/app@1 shop-2/film@1",
			ask("flows", time.Now(), "&content=film&limit=1"):         "shop-1/film@1|shop-2/film@1",
			ask("flows", time.Now(), "&site=shop-1&content=nothing"):  "",
			ask("flows", time.Now(), "&after=shop-1/film@1&limit=10"): "shop-2/app@1 shop-2/film@1",
		} {
			s.wantList(path, follow(s, path, flowName), want)
		}
		s.wantList("endpoints", follow(s, ask("endpoints", before, ""), endpointName), "")
		token := s.scoped(viewer, "shop-2")
		if got := s.with(token, "GET", "/api/v1"+ask("flows", before, ""), nil); got.Code != http.StatusOK || !strings.Contains(got.Body.String(), "shop-2") || strings.Contains(got.Body.String(), "shop-1") {
			t.Errorf("who may see shop-2 only got %d %s", got.Code, got.Body)
		}
		for path, c := range map[string]struct {
			status int
			code   string
		}{
			ask("flows", time.Now().Add(time.Hour), ""):         {http.StatusUnprocessableEntity, "invalid"},
			ask("flows", time.Now().Add(-25*time.Hour), ""):     {http.StatusUnprocessableEntity, "invalid"},
			ask("endpoints", time.Now().Add(-20*time.Hour), ""): {http.StatusNotFound, "not_recorded"},
			ask("flows", before, "&site=nowhere"):               {http.StatusNotFound, "not_found"},
			"/history/flows":                                    {http.StatusUnprocessableEntity, "invalid"},
			"/history/flows?at=yesterday":                       {http.StatusUnprocessableEntity, "invalid"},
		} {
			wantProblem(t, s.as(catalog.RoleViewer, "GET", "/api/v1"+path, nil), c.status, c.code)
		}
		var span api.History
		s.call("GET", "/history", nil, &span)
		if !span.Recorded || len(span.Spans) != 1 || span.StepSeconds != history.Step.Seconds() || span.Bytes == 0 {
			t.Errorf("it says %+v", span)
		}
		var news []board.StateChange
		s.call("GET", "/flows/changes?site=shop-1", nil, &news)
		if len(news) == 0 || news[0].Content != "film" || news[0].Was != "" || news[0].Site != "shop-1" {
			t.Errorf("the news are %+v", news)
		}
		if got := s.with(token, "GET", "/api/v1/flows/changes", nil).Body.String(); !strings.Contains(got, "shop-2") || strings.Contains(got, "shop-1") {
			t.Errorf("who may see shop-2 only got the news %s", got)
		}
	})
}

func TestAServerThatRecordsNothingSaysSo(t *testing.T) {
	s := newStand(t)
	var span api.History
	s.call("GET", "/history", nil, &span)
	if span.Recorded || len(span.Spans) != 0 {
		t.Errorf("it says %+v", span)
	}
	wantProblem(t, s.as(catalog.RoleViewer, "GET", "/api/v1/history/flows?at="+url.QueryEscape(time.Now().Format(time.RFC3339)), nil), http.StatusNotFound, "history_off")
}
