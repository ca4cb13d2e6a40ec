package catalogtest

import (
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
)

var daily = map[string]func(*testing.T, catalog.Catalog){
	"what was received is counted once":          receivedIsCountedOnce,
	"days are put together in pages":             daysArePutTogether,
	"of the smallest contents a sum is kept":     smallestAreSummedUp,
	"what is not needed any more is forgotten":   countedIsForgotten,
	"many endpoints are counted in one change":   manyAreCounted,
	"who moves is not counted at two sites":      moversCountOnce,
	"a report is refused that can't be put so":   reportIsRefused,
	"the first copy at a site is told by itself": firstCopyIsTold,
}

var firstDay = time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)

// tallyOf is what an endpoint says so many days later of version 1 of a content.
func tallyOf(name, endpoint string, days int, r catalog.Received, complete bool) catalog.Tally {
	at := firstDay.AddDate(0, 0, days)
	return catalog.Tally{Site: FilledSite, Day: catalog.DayOf(at), Content: name, Version: versionOf(name, "1", 1).ID, Endpoint: endpoint, At: at,
		Received: r, Complete: complete, WirePPM: 1_000_000}
}

func count(t *testing.T, c catalog.Catalog, tallies ...catalog.Tally) {
	t.Helper()
	must(t, c.CountDaily(t.Context(), tallies))
}

// reported are the rows of a report on the first days.
func reported(t *testing.T, c catalog.Catalog, q catalog.ReportQuery) []catalog.ReportRow {
	t.Helper()
	if q.From == "" {
		q.From, q.To = "2026-04-01", "2026-04-30"
	}
	rows, err := c.Report(t.Context(), q)
	must(t, err)
	return rows
}

func wantReport(t *testing.T, c catalog.Catalog, q catalog.ReportQuery, want ...catalog.ReportRow) {
	t.Helper()
	if got := reported(t, c, q); len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("report %+v:\n got %+v\nwant %+v", q, got, want)
	}
}

func receivedIsCountedOnce(t *testing.T, c catalog.Catalog) {
	half, whole := catalog.Received{Origin: 50, Peer: 40, Relay: 3, Reused: 7, WAN: 50}, catalog.Received{Origin: 100, Peer: 80, Relay: 6, Reused: 14, WAN: 100}
	for range 2 {
		count(t, c, tallyOf("app", "e1", 0, half, false), tallyOf("app", "e1", 0, half, false))
	}
	wantReport(t, c, catalog.ReportQuery{By: catalog.ByAll}, catalog.ReportRow{Key: "all", Sums: catalog.Sums{Origin: 50, Peer: 40, Relay: 3, Reused: 7, WAN: 56, Alone: 93}})
	count(t, c, tallyOf("app", "e1", 1, whole, true), tallyOf("app", "e1", 0, half, false))
	count(t, c, tallyOf("app", "e1", 2, whole, true))
	count(t, c)
	wantReport(t, c, catalog.ReportQuery{By: catalog.ByDay},
		catalog.ReportRow{Key: "2026-04-01", Sums: catalog.Sums{Origin: 50, Peer: 40, Relay: 3, Reused: 7, WAN: 56, Alone: 93}},
		catalog.ReportRow{Key: "2026-04-02", Sums: catalog.Sums{Endpoints: 1, Origin: 50, Peer: 40, Relay: 3, Reused: 7, WAN: 56, Alone: 93, Needed: 186, Once: 186}})
	if entries := latest(t, c); entries != 0 {
		t.Errorf("got %d audit entries, want none", entries)
	}
}

func daysArePutTogether(t *testing.T, c catalog.Catalog) {
	at := func(site string, tally catalog.Tally) catalog.Tally {
		tally.Site = site
		return tally
	}
	count(t, c, at("a", tallyOf("app", "e1", 0, catalog.Received{Peer: 1}, false)), at("a", tallyOf("map", "e1", 1, catalog.Received{Peer: 2}, false)),
		at("b", tallyOf("app", "e2", 0, catalog.Received{Peer: 4}, false)), at("c", tallyOf("app", "e3", 40, catalog.Received{Peer: 8}, false)))
	row := func(key, site string, bytes int64) catalog.ReportRow {
		return catalog.ReportRow{Key: key, Site: site, Sums: catalog.Sums{Peer: bytes, Alone: bytes}}
	}
	q := catalog.ReportQuery{By: catalog.ByContent}
	wantReport(t, c, q, row("app", "", 5), row("map", "", 2))
	q.Limit = 1
	wantReport(t, c, q, row("app", "", 5))
	q.After = "app"
	wantReport(t, c, q, row("map", "", 2))
	wantReport(t, c, catalog.ReportQuery{By: catalog.BySite}, row("a", "", 3), row("b", "", 4))
	wantReport(t, c, catalog.ReportQuery{By: catalog.BySite, Content: "map"}, row("a", "", 2))
	wantReport(t, c, catalog.ReportQuery{By: catalog.ByAll, Sites: []string{"b", "c"}}, row("all", "", 4))
	wantReport(t, c, catalog.ReportQuery{By: catalog.ByAll, Sites: []string{}})
	wantReport(t, c, catalog.ReportQuery{By: catalog.ByAll, PerSite: true}, row("all", "a", 3), row("all", "b", 4))
	wantReport(t, c, catalog.ReportQuery{By: catalog.ByContent, PerSite: true, UpTo: "app"}, row("app", "a", 1), row("app", "b", 4))
	wantReport(t, c, catalog.ReportQuery{By: catalog.ByDay, From: "2026-04-02", To: "2026-06-30"}, row("2026-04-02", "", 2), row("2026-05-11", "", 8))
	wantReport(t, c, catalog.ReportQuery{By: catalog.ByAll, From: "2027-01-01", To: "2027-01-02"})
}

func smallestAreSummedUp(t *testing.T, c catalog.Catalog) {
	for i := range 5 {
		publish(t, c, fmt.Sprint("app", i), "1")
		count(t, c, tallyOf(fmt.Sprint("app", i), "e1", 0, catalog.Received{Peer: int64(1 + i)}, false),
			tallyOf(fmt.Sprint("app", i), "e2", 1, catalog.Received{Peer: 10}, false))
	}
	for range 2 { // the second has nothing to do
		must(t, c.TidyDaily(t.Context(), "2020-01-01", "2026-04-02", 2, firstDay))
	}
	row := func(key string, bytes int64) catalog.ReportRow {
		return catalog.ReportRow{Key: key, Sums: catalog.Sums{Peer: bytes, Alone: bytes}}
	}
	first := catalog.ReportQuery{By: catalog.ByContent, From: "2026-04-01", To: "2026-04-01"}
	wantReport(t, c, first, row(catalog.OtherContents, 6), row("app3", 4), row("app4", 5))
	if rows := reported(t, c, catalog.ReportQuery{By: catalog.ByContent, From: "2026-04-02", To: "2026-04-02"}); len(rows) != 5 {
		t.Errorf("a day that is not over has %d contents, want all", len(rows))
	}
	must(t, c.TidyDaily(t.Context(), "2026-04-02", "2026-04-02", 2, firstDay))
	wantReport(t, c, first)
}

func countedIsForgotten(t *testing.T, c catalog.Catalog) {
	createSites(t, c, FilledSite)
	enrolAt(t, c, FilledSite, "e1", firstDay)
	publish(t, c, "app", "1")
	kept, err := c.Version(t.Context(), "app", "1")
	must(t, err)
	of := func(endpoint string) catalog.Tally {
		tally := tallyOf("app", endpoint, 0, catalog.Received{Peer: 10}, true)
		tally.Version = kept.ID
		return tally
	}
	gone := tallyOf("gone", "e1", 0, catalog.Received{Peer: 1}, true)
	all := []catalog.Tally{of("e1"), of("page"), gone}
	count(t, c, all...)
	must(t, c.TidyDaily(t.Context(), "2020-01-01", "2020-01-01", 1, firstDay.Add(time.Hour)))
	count(t, c, all...)
	wantReport(t, c, catalog.ReportQuery{By: catalog.ByContent}, // what was forgotten counts again, what is needed does not
		catalog.ReportRow{Key: "app", Sums: catalog.Sums{Endpoints: 3, Peer: 30, Alone: 30, Needed: 30, Once: 10}},
		catalog.ReportRow{Key: "gone", Sums: catalog.Sums{Endpoints: 2, Peer: 2, Alone: 2, Needed: 2, Once: 2}})
}

func manyAreCounted(t *testing.T, c catalog.Catalog) {
	var tallies []catalog.Tally
	for i := range 1000 {
		tallies = append(tallies, tallyOf("app", fmt.Sprint("e", i), 0, catalog.Received{Peer: 1}, true))
	}
	tallies[0].Received = catalog.Received{Origin: 1, WAN: 1}
	for range 2 {
		count(t, c, tallies...)
	}
	wantReport(t, c, catalog.ReportQuery{By: catalog.ByAll},
		catalog.ReportRow{Key: "all", Sums: catalog.Sums{Endpoints: 1000, Origin: 1, Peer: 999, WAN: 1, Alone: 1000, Needed: 1000, Once: 1}})
}

func moversCountOnce(t *testing.T, c catalog.Catalog) {
	here := tallyOf("app", "e1", 0, catalog.Received{Origin: 10, WAN: 10}, true)
	there := tallyOf("app", "e1", 1, catalog.Received{Origin: 10, WAN: 10}, true)
	there.Site = "elsewhere"
	count(t, c, here)
	count(t, c, there)
	wantReport(t, c, catalog.ReportQuery{By: catalog.BySite},
		catalog.ReportRow{Key: FilledSite, Sums: catalog.Sums{Endpoints: 1, Origin: 10, WAN: 10, Alone: 10, Needed: 10, Once: 10}})
}

func firstCopyIsTold(t *testing.T, c catalog.Catalog) {
	count(t, c, tallyOf("app", "e1", 0, catalog.Received{Origin: 10, WAN: 10}, true))
	count(t, c, tallyOf("app", "e2", 1, catalog.Received{Peer: 10}, true), tallyOf("app", "e3", 1, catalog.Received{Peer: 10}, true))
	for day, want := range map[string]float64{"2026-04-01": 0, "2026-04-02": 1} {
		if rows := reported(t, c, catalog.ReportQuery{By: catalog.ByAll, From: day, To: day}); len(rows) != 1 || rows[0].MaxShare() != want {
			t.Errorf("%s: got %+v, want at most %v of it saved", day, rows, want)
		}
	}
	rows := reported(t, c, catalog.ReportQuery{By: catalog.ByAll})
	const want, near = 2.0 / 3, 1e-9
	if len(rows) != 1 || math.Abs(rows[0].MaxShare()-want) > near || math.Abs(rows[0].SavedShare()-want) > near {
		t.Errorf("both days: got %+v, want two thirds of it saved, and no more to save", rows)
	}
}

func reportIsRefused(t *testing.T, c catalog.Catalog) {
	if rows, err := c.Report(t.Context(), catalog.ReportQuery{From: "2026-04-01", To: "2026-04-01", By: "colour"}); err == nil {
		t.Errorf("by colour: got %+v", rows)
	}
}

// fillDaily writes something of days into a catalog.
func fillDaily(t *testing.T, c catalog.Catalog) {
	t.Helper()
	count(t, c, tallyOf("app", "e1", 0, catalog.Received{Origin: 50, Peer: 40, Relay: 3, Reused: 7, WAN: 50}, true))
}
