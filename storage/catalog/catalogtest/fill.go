package catalogtest

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// FilledSite is a site that Fill creates.
const FilledSite = "shop"

// Filled is what Read finds in a catalog that Fill filled.
type Filled struct {
	Sites     []catalog.Site
	Endpoints []catalog.Endpoint
	Serial    uint64 // of trust
	Trust     string
	Versions  []catalog.Version
	Orders    catalog.Orders // of FilledSite
	Rules     []catalog.Rule
	Token     catalog.Token
	Epoch     string
	Receipts  []catalog.Receipt
	Lines     []catalog.Line
	Networks  []catalog.Network
	Audit     []catalog.Entry
	Answer    catalog.Answer
	Operators []catalog.Operator
	Policy    FilledPolicy
	Daily     []catalog.ReportRow
	Rollouts  []catalog.Distribution
}

// Fill writes something of everything into an empty catalog.
func Fill(t *testing.T, c catalog.Catalog) {
	t.Helper()
	ctx := t.Context()
	must(t, c.CreateSite(ctx, who, catalog.Site{Name: FilledSite, CIDRs: []string{"10.1.0.0/16"}, TZ: "UTC", Cap: 125_000, HoldOffMs: 60_000, Replicas: 2}))
	createSites(t, c, "other")
	begin := time.Date(2026, 4, 1, 6, 0, 0, 0, time.UTC)
	enrolAt(t, c, FilledSite, "e1", begin)
	enrolAt(t, c, "other", "e2", begin)
	must(t, c.Seen(ctx, map[string]time.Time{"e1": begin.Add(time.Hour)}))
	must(t, c.Revoke(ctx, who, catalog.Revocation{Endpoint: "e2", Reason: "stolen", At: begin}))
	must(t, c.PutTrust(ctx, who, 1, json.RawMessage(`{"serial": 1}`)))
	for _, version := range []string{"1", "2"} {
		publish(t, c, "app", version)
		distribute(t, c, catalog.Distribution{Name: "app", Version: version, Sites: []string{FilledSite}, Priority: "normal"})
	}
	_, err := c.Activate(ctx, who, catalog.Activation{Name: "app", Version: "2", When: catalog.When{Activate: catalog.ActivateHold}}, []string{FilledSite})
	must(t, err)
	setRule(t, c, catalog.RulePause, "", catalog.Selector{Site: FilledSite})
	setRule(t, c, catalog.RulePriority, "high", catalog.Selector{Name: "app", Version: "2"})
	must(t, c.PutToken(ctx, who, catalog.Token{Name: "admin", Hash: []byte("admin's"), Role: catalog.RoleAdmin, Expires: begin}))
	must(t, c.SetMeta(ctx, "epoch", "7"))
	must(t, c.Uploading(ctx, content.Sum([]byte("stray"))))
	receipts, lines := learned(begin)
	must(t, c.KeepLearned(ctx, FilledSite, receipts, lines))
	_, err = c.ChangeNetworks(ctx, who, nil, []catalog.Network{egress("203.0.113.7/32", FilledSite)})
	must(t, err)
	must(t, c.KeepAnswer(ctx, catalog.Answer{ID: "answer", Digest: "digest", Sealed: []byte{0, 255}, Created: begin}))
	fillOperators(t, c)
	fillPolicy(t, c)
	must(t, c.PutExternal(ctx, who, externalOf("https://vendor.example/filled")))
	fillDaily(t, c)
	fillRollouts(t, c)
}

// Read reads everything that Fill wrote.
func Read(t *testing.T, c catalog.Catalog) Filled {
	t.Helper()
	ctx := t.Context()
	var f Filled
	var err error
	f.Sites, err = c.Sites(ctx, "", 0)
	must(t, err)
	f.Endpoints, err = c.Endpoints(ctx, "", "", 0)
	must(t, err)
	serial, document, err := c.Trust(ctx)
	must(t, err)
	f.Serial, f.Trust = serial, string(document)
	for _, version := range []string{"1", "2"} {
		v, err := c.Version(ctx, "app", version)
		must(t, err)
		f.Versions = append(f.Versions, v)
	}
	f.Orders = orders(t, c, FilledSite)
	f.Rules, err = c.Rules(ctx)
	must(t, err)
	f.Token, err = c.Token(ctx, []byte("admin's"))
	must(t, err)
	f.Epoch, err = c.Meta(ctx, "epoch")
	must(t, err)
	f.Receipts, f.Lines, err = c.Learned(ctx, FilledSite)
	must(t, err)
	f.Networks, err = c.Networks(ctx)
	must(t, err)
	f.Policy = readPolicy(t, c)
	f.Rollouts, err = c.RolloutsBefore(ctx, 0, 0, false)
	must(t, err)
	f.Audit, err = c.Audit(ctx, 0, 0)
	must(t, err)
	if f.Answer, err = c.Answer(ctx, "answer"); !errors.Is(err, catalog.ErrNotFound) { // as in schemas before 14
		must(t, err)
	}
	f.Operators, err = c.Operators(ctx)
	must(t, err)
	f.Daily, err = c.Report(ctx, catalog.ReportQuery{From: "2026-04-01", To: "2026-04-30", By: catalog.ByContent, PerSite: true})
	must(t, err)
	if _, err := catalog.VerifyAudit(func(before int64) ([]catalog.Entry, error) { return c.Audit(ctx, before, 0) }); err != nil {
		t.Error(err)
	}
	return f
}
