package policy_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/policy"
)

func TestValuesAreKeptAsPeopleWriteThem(t *testing.T) {
	for _, c := range []struct{ key, text, want string }{
		{policy.WANCap, "5mbit", "5mbit"},
		{policy.WANCap, " 5000KBIT/s", "5mbit"},
		{policy.WANCap, "1.5gbit", "1500mbit"},
		{policy.WANCap, "0bit", "0bit"},
		{policy.WANCap, "None", "none"},
		{policy.WANRate, "64kbit", "64kbit"},
		{policy.MonthlyAllowance, "200GB", "200GB"},
		{policy.CacheFloor, "2000mb", "2GB"},
		{policy.EndpointAllowance, "none", "none"},
		{policy.HoldOff, "60000ms", "1m"},
		{policy.HoldOff, "90m", "1h30m"},
		{policy.HoldOff, "1h", "1h"},
		{policy.HoldOff, "0s", "0s"},
		{policy.HoldOff, "1d", "1d"},
		{policy.CacheIdle, "720h", "30d"},
		{policy.CacheIdle, "none", "none"},
		{policy.Replicas, " 3", "3"},
		{policy.PeersOn, "10.0.0.0/8, fd00::/16", "10.0.0.0/8,fd00::/16"},
		{policy.PeersOn, "ANY", "any"},
		{policy.Relay, "Never", "never"},
		{policy.Windows, "  * 22:00-06:00   OPEN ;;* closed; ", "* 22:00-06:00 open; * closed"},
		{policy.WANCapHours, "none", "none"},
	} {
		k, err := policy.Find(c.key)
		if err != nil {
			t.Fatal(err)
		}
		got, err := k.Parse(c.text)
		if got != c.want || err != nil {
			t.Errorf("%s=%q is kept as %q (%v), want %q", c.key, c.text, got, err, c.want)
		}
		if again, err := k.Parse(got); again != got || err != nil {
			t.Errorf("%s=%q read again is %q (%v)", c.key, got, again, err)
		}
	}
}

func TestWhatIsNoValueIsRefusedWithAnExample(t *testing.T) {
	for _, c := range []struct{ key, text, want string }{
		{policy.WANCap, "5", "5mbit"},
		{policy.WANCap, "7bit", "5mbit"},
		{policy.WANCap, "-5mbit", "5mbit"},
		{policy.WANCap, "nanbit", "5mbit"},
		{policy.WANCap, "infmbit", "5mbit"},
		{policy.WANCap, "99999999999999999999bit", "5mbit"},
		{policy.WANCap, "9007199254740992gbit", "5mbit"},
		{policy.MonthlyAllowance, "0B", "10GB"},
		{policy.MonthlyAllowance, "10%", "10GB"},
		{policy.MonthlyAllowance, "1500 MB", "10GB"},
		{policy.HoldOff, "25h", "24h"},
		{policy.HoldOff, "-1s", "24h"},
		{policy.HoldOff, "1us", "milliseconds"},
		{policy.HoldOff, "soon", "1h30m"},
		{policy.HoldOff, "99999d", "30d"},
		{policy.CacheIdle, "1m", "1h"},
		{policy.Replicas, "65", "64"},
		{policy.Replicas, "two", "64"},
		{policy.PeersOn, "10.0.0.1/8", "10.0.0.0/8"},
		{policy.PeersOn, "", "10.12.0.0/16"},
		{policy.Relay, "always", "auto or never"},
		{policy.Windows, "", "rule"},
		{policy.WANCap, strings.Repeat("5", policy.MaxValueBytes+1), "limit"},
	} {
		k, err := policy.Find(c.key)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := k.Parse(c.text); err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), c.key+": ") {
			t.Errorf("%s=%.40q is %q (%v), want an error with %q", c.key, c.text, got, err, c.want)
		}
	}
}

func TestEverySettingHasADefaultThatHoldsAndWordsAboutIt(t *testing.T) {
	for _, k := range policy.Keys() {
		if got, err := k.Parse(k.Default); got != k.Default || err != nil {
			t.Errorf("%s: the default %q reads as %q (%v)", k.Name, k.Default, got, err)
		}
		if k.Help == "" || k.Bounds == "" || k.Type == "" || len(k.Levels) == 0 {
			t.Errorf("%+v lacks words", k)
		}
		if may := k.May(policy.Endpoint) == nil; may != (k.Of == policy.OfEndpoint) {
			t.Errorf("%s of a %s may be set for an endpoint: %v", k.Name, k.Of, may)
		}
	}
	values := policy.NewBook(nil, nil).Values("shop", "e1")
	s, err := values.SiteSettings()
	if err != nil || s.Cap != policy.None || s.Rate != policy.None || s.Allowance != policy.None || s.HoldOff != 0 || s.Replicas != 0 || len(s.PeersOn) != 0 || s.NoRelay {
		t.Errorf("by default a site has %+v (%v)", s, err)
	}
	if now := time.Now(); s.CapHours.At(now, nil) != policy.None || !s.Windows.At(now, nil) {
		t.Error("by default an hour is bound")
	}
	e, err := values.EndpointSettings()
	if want := (policy.EndpointSettings{Allowance: policy.None, CacheQuota: policy.None, CacheFloor: policy.None, CacheIdle: policy.None}); e != want || err != nil {
		t.Errorf("by default an endpoint has %+v (%v)", e, err)
	}
}

func TestWhatANewerReleaseWroteDoesNotHideTheRest(t *testing.T) {
	s, err := policy.Values{policy.WANCap: "warp 9", policy.HoldOff: "8s", policy.WANRate: "8mbit"}.SiteSettings()
	if err == nil || !strings.Contains(err.Error(), policy.WANCap) || s.Cap != policy.None || s.HoldOff != 8*time.Second || s.Rate != 1_000_000 {
		t.Errorf("read as %+v (%v)", s, err)
	}
}

func TestChangesAreCheckedTogether(t *testing.T) {
	site := policy.Scope{Level: policy.Site, Subject: "shop"}
	got, err := policy.CheckChanges(site, []policy.Assignment{{Key: policy.WANCap, Value: "5000kbit"}, {Key: policy.Windows}})
	if want := []policy.Assignment{{Key: policy.WANCap, Value: "5mbit"}, {Key: policy.Windows}}; !slices.Equal(got, want) || err != nil {
		t.Errorf("got %+v (%v), want %+v", got, err, want)
	}
	cap5 := policy.Assignment{Key: policy.WANCap, Value: "5mbit"}
	for want, c := range map[string]struct {
		scope   policy.Scope
		changes []policy.Assignment
	}{
		"nothing to change": {site, nil},
		"no setting":        {site, []policy.Assignment{{Key: "wan_cup", Value: "5mbit"}}},
		"twice":             {site, []policy.Assignment{cap5, cap5}},
		"a site as a whole": {policy.Scope{Level: policy.Endpoint, Subject: "e1"}, []policy.Assignment{cap5}},
		"one organisation":  {policy.Scope{Level: policy.Organisation, Subject: "us"}, []policy.Assignment{cap5}},
		"say which site":    {policy.Scope{Level: policy.Site}, []policy.Assignment{cap5}},
		"want organisation": {policy.Scope{Level: policy.Default}, []policy.Assignment{cap5}},
	} {
		if _, err := policy.CheckChanges(c.scope, c.changes); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v at %v: %v, want an error with %q", c.changes, c.scope, err, want)
		}
	}
}
