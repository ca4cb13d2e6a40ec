package api_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/policy"
)

// received counts GBs that two endpoints of a site received on a day: one from the origin,
// the other from the first.
func (s *stand) received(site, day string, gigabytes int64) {
	s.t.Helper()
	at, err := time.Parse(time.DateOnly, day)
	s.must(err)
	n := gigabytes * 1e9
	var version content.VersionID
	copy(version[:], site+day)
	of := func(name string, r catalog.Received) catalog.Tally {
		return catalog.Tally{Site: site, Day: day, Content: "app", Version: version, Endpoint: site + name, At: at, Received: r, Complete: true, WirePPM: 1_000_000}
	}
	s.must(s.catalog.CountDaily(s.t.Context(), []catalog.Tally{of("1", catalog.Received{Origin: n, WAN: n}), of("2", catalog.Received{Peer: n})}))
}

func TestReportSaysWhatWasSavedAndWhatItCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		for _, name := range []string{"shop-a", "shop-b"} {
			s.call("POST", "/sites", api.NewSite{Name: name}, nil)
		}
		s.received("shop-a", "2026-11-02", 10)
		s.received("shop-b", "2026-11-03", 30)
		get := func(query string) (rows []api.ReportRow) {
			s.call("GET", "/reports?from=2026-11-01&to=2026-11-30&"+query, nil, &rows)
			return rows
		}
		row := func(key string, gb int64, money ...api.Money) api.ReportRow {
			n := gb * 1e9
			return api.ReportRow{Key: key, Endpoints: 2, BytesOrigin: n, BytesPeer: n, WANBytes: n, AloneBytes: 2 * n, SavedBytes: n, SavedShare: 0.5, MaxShare: 0.5, Money: money}
		}
		want := func(what string, got []api.ReportRow, want ...api.ReportRow) {
			t.Helper()
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
			}
		}
		want("without a tariff", get("by=site"), row("shop-a", 10), row("shop-b", 30))
		want("of a site", get("by=day&site=shop-b"), row("2026-11-03", 30))
		want("with a tariff", get("by=site&tariff=0.5EUR/GB"), row("shop-a", 10, api.Money{Currency: "EUR", Spent: 5, Saved: 5}), row("shop-b", 30, api.Money{Currency: "EUR", Spent: 15, Saved: 15}))
		s.must(s.catalog.ChangeSettings(t.Context(), "test", policy.Scope{Level: policy.Organisation}, []policy.Assignment{{Key: policy.WANTariff, Value: "1EUR/GB"}}))
		want("with that of the organisation", get("by=day"), row("2026-11-02", 10, api.Money{Currency: "EUR", Spent: 10, Saved: 10}), row("2026-11-03", 30, api.Money{Currency: "EUR", Spent: 30, Saved: 30}))
		s.must(s.catalog.ChangeSettings(t.Context(), "test", policy.Scope{Level: policy.Site, Subject: "shop-b"}, []policy.Assignment{{Key: policy.WANTariff, Value: "2CHF/GB"}}))
		all := row("all", 40, api.Money{Currency: "CHF", Spent: 60, Saved: 60}, api.Money{Currency: "EUR", Spent: 10, Saved: 10})
		all.Endpoints = 4
		want("with one of a site's own", get("by=all"), all)
		want("likewise by site", get("by=site"), row("shop-a", 10, api.Money{Currency: "EUR", Spent: 10, Saved: 10}), row("shop-b", 30, api.Money{Currency: "CHF", Spent: 60, Saved: 60}))

		var seen []api.ReportRow
		if w := s.with(s.scoped(viewer, "shop-b"), "GET", "/api/v1/reports?from=2026-11-01&to=2026-11-30&by=site", nil); w.Code != http.StatusOK || json.Unmarshal(w.Body.Bytes(), &seen) != nil ||
			len(seen) != 1 || seen[0].Key != "shop-b" {
			t.Errorf("who may see one site: got %d %s", w.Code, w.Body)
		}
	})
}

func TestReportAsCSV(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.call("POST", "/sites", api.NewSite{Name: "shop-a"}, nil)
		s.received("shop-a", "2026-11-02", 10)
		const days = "from=2026-11-01&to=2026-11-30"
		want := "key,endpoints,bytes_origin,bytes_peer,bytes_relay,bytes_reused,wan_bytes,alone_bytes,saved_bytes,saved_share,max_share,currency,spent,saved\n" +
			"shop-a,2,10000000000,10000000000,0,0,10000000000,20000000000,10000000000,0.5000,0.5000,EUR,0.8000,0.8000\n"
		token := s.scoped(viewer)
		for _, path := range []string{"/api/v1/reports/export?", "/api/v1/reports?format=csv&"} {
			w := s.with(token, "GET", path+days+"&by=site&tariff=0.08EUR/GB", nil)
			if got := w.Body.String(); got != want || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/csv") {
				t.Errorf("%s: got %d %s\n%s", path, w.Code, w.Header().Get("Content-Type"), got)
			}
		}
		r := s.request("", "GET", "/api/v1/reports?"+days+"&by=site&tariff=0.08EUR/GB", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Accept", "text/csv")
		if got := s.do(r).Body.String(); got != want {
			t.Errorf("by Accept: got\n%s", got)
		}
	})
}

func TestReportRefusesWhatMakesNoSense(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.call("POST", "/sites", api.NewSite{Name: "shop-a"}, nil)
		s.received("shop-a", catalog.DayOf(time.Now()), 1)
		token := s.scoped(viewer)
		for _, query := range []string{"from=yesterday", "to=2026-02-30", "from=2026-11-02&to=2026-11-01", "by=colour", "tariff=cheap"} {
			if w := s.with(token, "GET", "/api/v1/reports?"+query, nil); w.Code != http.StatusUnprocessableEntity {
				t.Errorf("%s: got %d %s", query, w.Code, w.Body)
			}
		}
	})
}
