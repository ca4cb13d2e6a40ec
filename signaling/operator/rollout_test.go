package operator_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/operator"
	"github.com/sitecast/sitecast/signaling/rollout"
	"github.com/sitecast/sitecast/storage/catalog"
)

func TestARolloutByItsCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		for _, name := range []string{"shop-1", "shop-2"} {
			s.run(operator.SiteCreate{Remote: s.remote, Name: name})
		}
		s.run(operator.TagAdd{Remote: s.remote, Name: "canary", Bearers: operator.Bearers{Site: []string{"shop-1"}}})
		s.published("app", "1")
		s.published("app", "2")
		order := operator.Distribute{Remote: s.remote, Ref: "app@2", All: true, Priority: "normal",
			Aiming: operator.Aiming{Ring: []string{"canary=tag:canary; delivered>=100%; soak 1h", "rest=rest; at-once 50; failed<=2%; halt never"}, DryRun: true}}
		wantLines(t, "a trial", s.run(order), "shop-1 canary", "shop-2 rest", "2 sites now. Nothing was ordered.")
		order.JSON = true
		if got := decode[[]api.MeantSite](t, s.run(order)); len(got) != 2 || got[1].Ring != "rest" {
			t.Errorf("a trial printed %+v", got)
		}
		order.DryRun, order.JSON = false, false
		wantLines(t, "distribute", s.run(order), "Ordered app@2 to all sites in 2 rings (canary, rest).", "Next: sitecast rollout show 1")
		time.Sleep(time.Second)
		wantLines(t, "show", s.run(operator.RolloutShow{Remote: s.remote, One: operator.One{ID: 1}}), "app@2: waiting",
			"ring canary: no endpoint of its 1 sites was online in the last week",
			"RING OPEN SITES DELIVERED ACTIVATED FAILED STUCK GATES TARGET",
			"canary yes 1 0 of 0 0 of 0 0 0 delivered>=100% failed<=5% soak 60 min halt>=10% tag:canary",
			"rest no 1 0 of 0 0 of 0 0 0 delivered>=95% failed<=2% at-once 50 halt never rest")
		s.run(operator.RolloutHalt{Remote: s.remote, One: operator.One{ID: 1}, Reason: "printer"})
		if got := lines(s.run(operator.RolloutList{Remote: s.remote})); len(got) != 2 || !strings.HasPrefix(got[1], "1 app@2 halted 1 of 2 ") || !strings.HasSuffix(got[1], " admin halted it: printer") {
			t.Errorf("list printed %q", got)
		}
		s.wantFlows("shop-1 app@2 paused normal")
		s.run(operator.RolloutContinue{Remote: s.remote, One: operator.One{ID: 1}})
		s.run(operator.RolloutRetry{Remote: s.remote, One: operator.One{ID: 1}})
		s.wantFlows("shop-1 app@2 waiting normal")
		key := filepath.Join(s.data, "keys", "publisher.key")
		back := operator.Rollback{Remote: s.remote, Backward: operator.Backward{To: "1", Key: key, Priority: "high"}, Name: "app", Rollout: 1}
		wantLines(t, "rollback", s.run(back), "Ordered app@1+rollback.1, which is app@1 again (distribution 2).")
		s.wantFlows("shop-1 app@1+rollback.1 waiting high")
		back.Rollout, back.All = 0, true
		wantLines(t, "rollback again", s.run(back), "Ordered app@1+rollback.2, which is app@1 again (distribution 3).")
		back.To = "7"
		if err := back.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "go back to app@7") {
			t.Errorf("back to what is not there: %v", err)
		}
		s.end()
	})
}

func TestWhatDistributeIsToldWrongly(t *testing.T) {
	good := operator.Aiming{Query: "all"}
	for want, change := range map[string]func(*operator.Distribute){
		"in one way":       func(d *operator.Distribute) { d.All = true },
		"no term":          func(d *operator.Distribute) { d.Query = "shop" },
		"want up to":       func(d *operator.Distribute) { d.Query, d.Tag = "", "a b" },
		"NAME=QUERY":       func(d *operator.Distribute) { d.Ring = []string{"canary"} },
		"whole per cent":   func(d *operator.Distribute) { d.Ring = []string{"a=all; failed<=half"} },
		"want failed <=":   func(d *operator.Distribute) { d.Ring = []string{"a=all; failed>=2%"} },
		"want one such as": func(d *operator.Distribute) { d.Ring = []string{"a=all; soak"} },
		"want a time":      func(d *operator.Distribute) { d.Ring = []string{"a=all; soak 1y"} },
		"how many sites":   func(d *operator.Distribute) { d.Ring = []string{"a=all; at-once 0"} },
		"halt never":       func(d *operator.Distribute) { d.Ring = []string{"a=all; halt>=0%"} },
		"want delivered":   func(d *operator.Distribute) { d.Ring = []string{"a=all; lost>=1%"} },
		"not both":         func(d *operator.Distribute) { d.Ring, d.Rings = []string{"a=all"}, "rings.json" },
		"--wait is for":    func(d *operator.Distribute) { d.Ring, d.Wait = []string{"a=all"}, true },
		"--json goes with": func(d *operator.Distribute) { d.JSON = true },
	} {
		d := operator.Distribute{Ref: "app@1", Priority: "normal", Aiming: good}
		if err := d.Validate(); err != nil {
			t.Fatal(err)
		}
		change(&d)
		if err := d.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	for _, c := range []operator.Rollback{{Name: "app", Backward: operator.Backward{To: "1"}}, {Name: "app", Backward: operator.Backward{To: "1"}, All: true, Rollout: 1},
		{Name: "a b", Backward: operator.Backward{To: "1"}, All: true}} {
		if err := c.Validate(); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

func TestRingsComeFromAFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.run(operator.SiteCreate{Remote: s.remote, Name: "shop-1"})
		s.published("app", "1")
		path := filepath.Join(t.TempDir(), "rings.json")
		order := operator.Distribute{Remote: s.remote, Ref: "app@1", All: true, Priority: "normal", Aiming: operator.Aiming{Rings: path, DryRun: true}}
		for text, want := range map[string]string{`[{"name":"a","target":"rest","halt":3}]`: "unknown field", `[]`: "with rings in it", `[] []`: "nothing behind it", `{`: "want a JSON array"} {
			s.must(os.WriteFile(path, []byte(text), 0o600))
			if err := order.Run(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %q", text, err, want)
			}
		}
		s.must(os.WriteFile(path, []byte(`[{"name":"all","target":"rest","at_once":3}]`), 0o600))
		wantLines(t, "a trial", s.run(order), "shop-1 all", "1 sites now. Nothing was ordered.")
		s.end()
	})
}

func TestWordsOfEndpointsInARolloutDriveNoTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const word = "its disk says \x1b]0;all is well\x07"
		v := api.RolloutView{ID: 1, Name: "app", Version: "1", State: catalog.RolloutHalted, Reason: word, Missed: []rollout.Missed{{Site: "shop", Why: word}}}
		s := newFake(t, func(w http.ResponseWriter, r *http.Request) {
			var answer any = v
			if strings.HasSuffix(r.URL.Path, "/rollouts") {
				answer = []api.RolloutView{v}
			}
			if err := json.NewEncoder(w).Encode(answer); err != nil {
				t.Error(err)
			}
		})
		for times, c := range map[int]command{1: operator.RolloutList{Remote: s.remote}, 2: operator.RolloutShow{Remote: s.remote, One: operator.One{ID: 1}}} {
			if got := s.run(c); strings.ContainsAny(got, "\x1b\x07") || strings.Count(got, "its disk says ?]0;all is well?") != times {
				t.Errorf("%T printed %q", c, got)
			}
		}
		s.end()
	})
}
