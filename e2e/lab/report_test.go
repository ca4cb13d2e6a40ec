package lab_test

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/e2e/lab"
	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/operator"
)

// report is what `sitecast report --by site` says of the day on which bubbles begin, and of
// the next.
func report(t *testing.T, l *lab.Lab) map[string]api.ReportRow {
	t.Helper()
	var out bytes.Buffer
	c := operator.Report{Remote: l.Remote(&out), From: "2000-01-01", To: "2000-01-02", By: "site", Tariff: "1EUR/GB", JSON: true}
	if err := c.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	var rows []api.ReportRow
	if err := json.Unmarshal(out.Bytes(), &rows); err != nil {
		t.Fatal(err)
	}
	bySite := map[string]api.ReportRow{}
	for _, row := range rows {
		bySite[row.Key] = row
	}
	return bySite
}

// TestReportOfWholeSites: what agents count, a server adds up once, over its own restarts and
// theirs, and says what sharing saved beside the most it can.
func TestReportOfWholeSites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 4 * mib
		l := lab.New(t, lab.Plan{Sites: []int{5, 1}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		l.Publish("app", "1", size)
		l.Distribute("app@1")
		time.Sleep(time.Second)
		l.StopServer() // in the midst of it
		l.StartServer()
		l.Settle()
		for _, s := range l.Sites {
			l.AwaitComplete("app", s, 60*time.Second)
		}
		time.Sleep(2 * time.Minute)
		check := func(when string) {
			t.Helper()
			rows := report(t, l)
			for i, s := range l.Sites {
				f, row, n := l.Flow("app", s), rows[s.Name], int64(len(s.Endpoints))
				if row.Endpoints != n || row.BytesOrigin != f.BytesOrigin || row.BytesPeer != f.BytesPeer || row.BytesRelay != 0 || row.WANBytes != f.WANBytes {
					t.Errorf("%s, %s: the report has %+v, the flow %+v", when, s.Name, row, f)
				}
				if most := float64(n-1) / float64(n); math.Abs(row.MaxShare-most) > 1e-6 {
					t.Errorf("%s, %s: at most %v may be saved of %d copies, want %v", when, s.Name, row.MaxShare, n, most)
				}
				if short := row.MaxShare - row.SavedShare; short < -1e-6 || short > 0.1 {
					t.Errorf("%s, %s: %v is saved, of at most %v", when, s.Name, row.SavedShare, row.MaxShare)
				}
				if i == 1 && (row.SavedBytes != 0 || row.Money[0].Saved != 0) {
					t.Errorf("%s, %s: one endpoint saved %d bytes", when, s.Name, row.SavedBytes)
				}
				if spent := float64(row.WANBytes) / 1e9; len(row.Money) != 1 || math.Abs(row.Money[0].Spent-spent) > 1e-9 {
					t.Errorf("%s, %s: it cost %+v, want %v", when, s.Name, row.Money, spent)
				}
			}
		}
		check("after a restart in the midst of it")
		l.StopServer()
		l.StartServer()
		l.Settle()
		time.Sleep(2 * time.Minute)
		check("after another")
	})
}
