package api

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/policy"
)

const (
	// reportDays is how many days a report is about unless it is said.
	reportDays = 30
	// eastmost is how far ahead of UTC clocks are at most: at sites there a day begins first.
	eastmost = 14 * time.Hour
	// maxExported bounds the rows of an export.
	maxExported = 100_000

	pathReports, pathReportsExport = "/api/v1/reports", "/api/v1/reports/export"
)

// ReportQuery says which days a report is about, and how they are put together.
type ReportQuery struct {
	From    string `query:"from" maxLength:"10" doc:"first day, as 2026-11-01; 30 days before the last where it is not said"`
	To      string `query:"to" maxLength:"10" doc:"last day; today, where it is that the latest on earth, where it is not said"`
	By      string `query:"by" enum:"site,content,day,all" default:"all"`
	Site    string `query:"site" maxLength:"100"`
	Content string `query:"content" maxLength:"100"`
	Tariff  string `query:"tariff" maxLength:"40" doc:"what bytes over the WAN cost, as 0.08EUR/GB; what is set as wan_tariff where it is not said"`
}

// ReportRow is what endpoints received, and what of it did not cross the WAN. Days are those
// of each site's own clock.
type ReportRow struct {
	Key         string  `json:"key" doc:"the site, content or day; all; (other) for the smallest contents of a day together"`
	Endpoints   int64   `json:"endpoints" doc:"how often an endpoint completed a version"`
	BytesOrigin int64   `json:"bytes_origin" doc:"content bytes"`
	BytesPeer   int64   `json:"bytes_peer" doc:"content bytes"`
	BytesRelay  int64   `json:"bytes_relay" doc:"content bytes, through relays beyond the WAN"`
	BytesReused int64   `json:"bytes_reused" doc:"content bytes that endpoints held before: they count as no saving"`
	WANBytes    int64   `json:"wan_bytes" doc:"what crossed the WAN: from the origin as encoded, and what was relayed twice, there and back"`
	AloneBytes  int64   `json:"alone_bytes" doc:"what would have, had every endpoint fetched it from the origin"`
	SavedBytes  int64   `json:"saved_bytes" doc:"the difference; negative where relays took more than they spared"`
	SavedShare  float64 `json:"saved_share" doc:"of alone_bytes"`
	MaxShare    float64 `json:"max_share" doc:"the most that could be saved: (n-1)/n for n endpoints of a site that need the same"`
	Money       []Money `json:"money,omitempty" doc:"absent where no tariff is known"`
}

// Money is what bytes cost at the tariffs of sites.
type Money struct {
	Currency string  `json:"currency"`
	Spent    float64 `json:"spent" doc:"for wan_bytes"`
	Saved    float64 `json:"saved" doc:"for saved_bytes"`
}

func reportRow(r catalog.ReportRow) ReportRow {
	return ReportRow{Key: r.Key, Endpoints: r.Endpoints, BytesOrigin: r.Origin, BytesPeer: r.Peer, BytesRelay: r.Relay, BytesReused: r.Reused,
		WANBytes: r.WAN, AloneBytes: r.Alone, SavedBytes: r.Saved(), SavedShare: r.SavedShare(), MaxShare: r.MaxShare()}
}

// charge adds what was spent and saved at a tariff.
func (r *ReportRow) charge(t policy.Tariff, s catalog.Sums) {
	if t.Currency == "" {
		return
	}
	at := 0
	for at < len(r.Money) && r.Money[at].Currency < t.Currency {
		at++
	}
	if at == len(r.Money) || r.Money[at].Currency != t.Currency {
		r.Money = append(r.Money[:at], append([]Money{{Currency: t.Currency}}, r.Money[at:]...)...)
	}
	r.Money[at].Spent += t.Of(s.WAN)
	r.Money[at].Saved += t.Of(s.Saved())
}

// reports adds what was received on each day.
func (s *server) reports() {
	registerList(s, operation("GET", "/reports", "report", "Report what endpoints received, and what of it did not cross the WAN", catalog.RoleViewer),
		func(ReportRow) string { return "" }, // report sees to it
		func(ctx context.Context, in *struct {
			ReportQuery
			PageAfter
		}) (*listed[ReportRow], error) {
			rows, err := s.report(ctx, in.ReportQuery, in.After, in.Limit)
			return page(ctx, rows, in.Limit, "after", func(r ReportRow) string { return r.Key }), err
		})
	register(s, about(scopeQuery, operation("GET", "/reports/export", "export-report", "Export such a report as CSV", catalog.RoleViewer)),
		func(ctx context.Context, in *struct{ ReportQuery }) (*csvReply, error) {
			text, err := s.exported(ctx, in.ReportQuery)
			return &csvReply{"text/csv; charset=utf-8", `attachment; filename="report.csv"`, text}, err
		})
}

// tables sends those to the export who ask for a report as CSV.
func tables(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == pathReports && r.Method == http.MethodGet &&
			(r.URL.Query().Get("format") == "csv" || strings.HasPrefix(r.Header.Get("Accept"), "text/csv")) {
			to := url.URL{Path: pathReportsExport, RawQuery: r.URL.RawQuery}
			again := r.Clone(r.Context())
			again.URL, again.RequestURI = &to, to.RequestURI()
			r = again
		}
		next.ServeHTTP(w, r)
	})
}

// days fills in what is not said.
func (q *ReportQuery) days(now time.Time) error {
	if q.To == "" {
		q.To = catalog.DayOf(now.UTC().Add(eastmost))
	}
	if err := catalog.CheckDay(q.To); err != nil {
		return bad("to: "+err.Error(), "write days as 2026-11-27")
	}
	if q.From == "" {
		last, err := time.Parse(time.DateOnly, q.To)
		if err != nil {
			return err
		}
		q.From = catalog.DayOf(last.AddDate(0, 0, -reportDays))
	}
	if err := catalog.CheckDay(q.From); err != nil {
		return bad("from: "+err.Error(), "write days as 2026-11-27")
	}
	if q.From > q.To {
		return bad("from is a day after to", "name the first day as from, and the last as to")
	}
	return nil
}

// report reads rows behind a key, of what who asks may see.
func (s *server) report(ctx context.Context, q ReportQuery, after string, limit int) ([]ReportRow, error) {
	if err := q.days(time.Now()); err != nil {
		return nil, err
	}
	by := catalog.ReportQuery{From: q.From, To: q.To, Content: q.Content, By: q.By, After: after, Limit: limit}
	if who := asker(ctx); !who.everywhere() {
		by.Sites = who.Sites
	}
	if q.Site != "" {
		by.Sites = []string{q.Site}
	}
	rows, err := s.Catalog.Report(ctx, by)
	if err != nil {
		return nil, err
	}
	out := make([]ReportRow, len(rows))
	for i, row := range rows {
		out[i] = reportRow(row)
	}
	return out, s.price(ctx, q.Tariff, by, rows, out)
}

// price adds what bytes cost to rows.
func (s *server) price(ctx context.Context, tariff string, by catalog.ReportQuery, rows []catalog.ReportRow, out []ReportRow) error {
	if len(rows) == 0 {
		return nil
	}
	if tariff != "" {
		t, err := policy.ParseTariff(tariff)
		if err != nil {
			return bad("tariff: "+err.Error(), "write it as 0.08EUR/GB")
		}
		for i := range out {
			out[i].charge(t, rows[i].Sums)
		}
		return nil
	}
	book, err := s.Catalog.Policy(ctx, "")
	if err != nil {
		return err
	}
	t, same := book.Tariffs()
	if same {
		for i := range out {
			out[i].charge(t, rows[i].Sums)
		}
		return nil
	}
	by.PerSite, by.UpTo = true, rows[len(rows)-1].Key
	parts, err := s.Catalog.Report(ctx, by)
	if err != nil {
		return err
	}
	at, tariffs := 0, map[string]policy.Tariff{}
	for _, part := range parts { // both are in the order of keys
		for at < len(out) && out[at].Key != part.Key {
			at++
		}
		if at == len(out) {
			break
		}
		t, known := tariffs[part.Site]
		if !known {
			t = book.TariffAt(part.Site)
			tariffs[part.Site] = t
		}
		out[at].charge(t, part.Sums)
	}
	return nil
}

// reportColumns head an export.
var reportColumns = []string{"key", "endpoints", "bytes_origin", "bytes_peer", "bytes_relay", "bytes_reused", "wan_bytes", "alone_bytes", "saved_bytes",
	"saved_share", "max_share", "currency", "spent", "saved"}

// exported is a whole report as CSV.
func (s *server) exported(ctx context.Context, q ReportQuery) ([]byte, error) {
	var all []ReportRow
	for after := ""; ; {
		rows, err := s.report(ctx, q, after, catalog.MaxPage)
		if err != nil {
			return nil, err
		}
		if all = append(all, rows...); len(all) > maxExported {
			return nil, bad(fmt.Sprintf("the report has more than %d rows", maxExported), "ask for fewer days, or put them together in another way")
		}
		if len(rows) < catalog.MaxPage {
			return WriteReport(all), nil
		}
		after = rows[len(rows)-1].Key
	}
}

// WriteReport writes a report as CSV. What costs in several currencies has a line for each.
func WriteReport(rows []ReportRow) []byte {
	var text bytes.Buffer
	out := csv.NewWriter(&text)
	_ = out.Write(reportColumns) // a buffer takes anything
	for _, row := range rows {
		_ = out.WriteAll(row.records())
	}
	out.Flush()
	return text.Bytes()
}

// records are the lines of a row in an export.
func (r ReportRow) records() (lines [][]string) {
	share := func(f float64) string { return strconv.FormatFloat(f, 'f', 4, 64) }
	line := []string{r.Key}
	for _, n := range []int64{r.Endpoints, r.BytesOrigin, r.BytesPeer, r.BytesRelay, r.BytesReused, r.WANBytes, r.AloneBytes, r.SavedBytes} {
		line = append(line, strconv.FormatInt(n, 10))
	}
	line = append(line, share(r.SavedShare), share(r.MaxShare))
	if len(r.Money) == 0 {
		return [][]string{append(line, "", "", "")}
	}
	for _, m := range r.Money {
		lines = append(lines, append(line[:len(line):len(line)], m.Currency, strconv.FormatFloat(m.Spent, 'f', 4, 64), strconv.FormatFloat(m.Saved, 'f', 4, 64)))
	}
	return lines
}
