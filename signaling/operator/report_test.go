package operator_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/operator"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/catalog/sqlite"
	"github.com/sitecast/sitecast/storage/catalog/sqlite/sqlitetest"
)

// reported makes a folder of a server at whose site shop ten endpoints got 1 GB over one
// download, and at whose site lone one did.
func reported(t *testing.T) (data string) {
	t.Helper()
	data = t.TempDir()
	c, err := sqlite.Open(t.Context(), sqlitetest.Put(t, filepath.Join(data, "sitecast.db")))
	if err != nil {
		t.Fatal(err)
	}
	var all []catalog.Tally
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	of := func(site, endpoint string, r catalog.Received) {
		all = append(all, catalog.Tally{Site: site, Day: "2026-11-02", Content: "app", Endpoint: endpoint, At: at, Received: r, Complete: true, WirePPM: 500_000})
	}
	of("shop", "e0", catalog.Received{Origin: 1e9, WAN: 5e8})
	for _, endpoint := range strings.Fields("e1 e2 e3 e4 e5 e6 e7 e8 e9") {
		of("shop", endpoint, catalog.Received{Peer: 1e9})
	}
	of("lone", "l", catalog.Received{Origin: 1e9, WAN: 5e8})
	if err := c.CountDaily(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return data
}

func TestReportShowsWhatWasSaved(t *testing.T) {
	data := reported(t)
	synctest.Test(t, func(t *testing.T) {
		s := newStandOn(t, data)
		defer s.end()
		november := operator.Report{Remote: s.remote, From: "2026-11-01", To: "2026-11-30", By: "site", Tariff: "0.1EUR/GB"}
		s.must(november.Run(t.Context()))
		lines := strings.Split(strings.TrimSpace(s.out.take()), "\n")
		if len(lines) != 3 {
			t.Fatalf("got %q, want a head and two sites", lines)
		}
		for i, want := range []string{
			"SITE ENDPOINTS ORIGIN PEERS RELAY REUSED WAN SAVED SHARE MAX SPENT SAVED",
			"lone 1 1.0 GB 0 B 0 B 0 B 500 MB 0 B 0.0 % 0.0 % 0.05 EUR 0.00 EUR",
			"shop 10 1.0 GB 9.0 GB 0 B 0 B 500 MB 4.5 GB 90.0 % 90.0 % 0.05 EUR 0.45 EUR",
		} {
			if got := strings.Join(strings.Fields(lines[i]), " "); got != want {
				t.Errorf("line %d:\n got %s\nwant %s", i, got, want)
			}
		}

		november.By, november.JSON, november.Tariff = "all", true, ""
		s.must(november.Run(t.Context()))
		var rows []api.ReportRow
		if err := json.Unmarshal([]byte(s.out.take()), &rows); err != nil || len(rows) != 1 || rows[0].Endpoints != 11 || rows[0].WANBytes != 1e9 || rows[0].SavedBytes != 4.5e9 || len(rows[0].Money) != 0 {
			t.Errorf("got %+v (%v)", rows, err)
		}

		november.By, november.JSON, november.CSV, november.Site = "day", false, true, "shop"
		s.must(november.Run(t.Context()))
		if text := s.out.take(); !strings.HasSuffix(text, "\n2026-11-02,10,1000000000,9000000000,0,0,500000000,5000000000,4500000000,0.9000,0.9000,,,\n") {
			t.Errorf("got %s", text)
		}

		november.CSV, november.From, november.To = false, "2027-01-01", "2027-01-31"
		s.must(november.Run(t.Context()))
		if text := s.out.take(); text != "Nothing was received on these days.\n" {
			t.Errorf("got %q of days on which nothing was", text)
		}
	})
}

func TestReportRefusesWhatCannotBe(t *testing.T) {
	for name, c := range map[string]operator.Report{
		"a day":    {From: "yesterday"},
		"a tariff": {Tariff: "cheap"},
	} {
		if c.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := (operator.Report{From: "2026-11-01", Tariff: "none"}).Validate(); err != nil {
		t.Error(err)
	}
}
