package server_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/server"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/policy"
)

func TestWhatIsSetReachesTheSiteAndItsEndpoints(t *testing.T) {
	ctx := t.Context()
	c := ordered(t, "shop", content.Ref{Name: "app", Version: "1"})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	src := server.NewSource(c)
	before, err := src.Desired(ctx, "shop", nil)
	must(err)
	if before.Cap != wire.Unlimited || before.Allowance != 0 || before.LineRate != 0 || before.HoldOff != 0 || before.Limits != (wire.Limits{}) || len(before.Own) != 0 {
		t.Errorf("by default %+v is wanted", before)
	}
	for _, id := range []string{"e1", "e2"} {
		e := catalog.Enrolment{ID: id, Site: "shop", SecretHash: []byte("x"), Uses: 1, Expires: time.Now().Add(time.Hour)}
		must(c.CreateEnrolment(ctx, "test", e))
		_, err := c.Enrol(ctx, e.ID, e.SecretHash, catalog.Endpoint{ID: id, Key: []byte(id)}, time.Now())
		must(err)
	}
	set := func(scope policy.Scope, changes ...policy.Assignment) {
		t.Helper()
		must(c.ChangeSettings(ctx, "test", scope, changes))
	}
	must(c.ChangeTag(ctx, "test", policy.TagChange{Name: "kiosk", AddEndpoints: []string{"e2"}}))
	set(policy.Scope{Level: policy.Organisation}, policy.Assignment{Key: policy.WANCap, Value: "8mbit"}, policy.Assignment{Key: policy.WANRate, Value: "16mbit"},
		policy.Assignment{Key: policy.MonthlyAllowance, Value: "3GB"}, policy.Assignment{Key: policy.Relay, Value: "never"}, policy.Assignment{Key: policy.PeersOn, Value: "10.0.0.0/8"},
		policy.Assignment{Key: policy.WANCapHours, Value: "mon 2mbit; * none"}, policy.Assignment{Key: policy.Windows, Value: "mon closed; * open"},
		policy.Assignment{Key: policy.EndpointAllowance, Value: "1GB"}, policy.Assignment{Key: policy.CacheQuota, Value: "2GB"})
	set(policy.Scope{Level: policy.Site, Subject: "shop"}, policy.Assignment{Key: policy.HoldOff, Value: "8s"}, policy.Assignment{Key: policy.CacheFloor, Value: "4GB"})
	set(policy.Scope{Level: policy.Tag, Subject: "kiosk"}, policy.Assignment{Key: policy.CacheQuota, Value: "5GB"}, policy.Assignment{Key: policy.CacheIdle, Value: "2d"})
	d, err := src.Desired(ctx, "shop", nil)
	must(err)
	monday := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	if d.Generation <= before.Generation || d.Cap != 1_000_000 || d.LineRate != 2_000_000 || d.Allowance != 3e9 || !d.NoRelay || d.HoldOff != 8*time.Second ||
		fmt.Sprint(d.PeersOn) != "[10.0.0.0/8]" || d.CapHours.At(monday, nil) != 2_000_000 || d.Windows.At(monday, nil) {
		t.Errorf("wanted is %+v", d)
	}
	if want := (wire.Limits{Allowance: 1e9, CacheQuota: 2e9, CacheFloor: 4e9}); d.Limits != want {
		t.Errorf("endpoints are limited to %+v, want %+v", d.Limits, want)
	}
	own := wire.Limits{Allowance: 1e9, CacheQuota: 5e9, CacheFloor: 4e9, CacheIdleMs: 48 * 3_600_000}
	if len(d.Own) != 1 || d.Own["e2"] != own {
		t.Errorf("of their own endpoints have %+v, want %+v for e2", d.Own, own)
	}
	must(c.SetCap(ctx, "test", "shop", catalog.NoCap))
	if d, err = src.Desired(ctx, "shop", nil); d.Cap != wire.Unlimited || err != nil {
		t.Errorf("a site of which no cap was set has %d (%v)", d.Cap, err)
	}
}

// Copies of superseded versions are ordered where the site keeps some, whoever said so.
func TestCopiesThatAreSetForAllAreOrdered(t *testing.T) {
	ref := content.Ref{Name: "app", Version: "1"}
	c := ordered(t, "shop", ref)
	next := content.Ref{Name: "app", Version: "2"}
	published(t, c, next)
	if _, err := c.Distribute(t.Context(), "test", catalog.Distribution{Name: "app", Version: "2", All: true, Priority: "low"}); err != nil {
		t.Fatal(err)
	}
	if err := c.ChangeSettings(t.Context(), "test", policy.Scope{Level: policy.Organisation}, []policy.Assignment{{Key: policy.Replicas, Value: "2"}}); err != nil {
		t.Fatal(err)
	}
	d, err := server.NewSource(c).Desired(t.Context(), "shop", nil)
	if err != nil || len(d.Flows) != 2 || !d.Flows[1].Superseded || d.Flows[1].PreStage != 2 {
		t.Errorf("wanted is %+v (%v), want the version before as two copies", d.Flows, err)
	}
}
