package catalog_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
)

// chain makes a log of n entries, newest first.
func chain(n int) (entries []catalog.Entry) {
	prev := ""
	for i := range n {
		e := catalog.Entry{ID: int64(i + 1), At: time.UnixMilli(1_700_000_000_000 + int64(i)).UTC(), By: "anna", Action: "cap", Target: "shop-" + fmt.Sprint(i),
			Before: json.RawMessage(`{"cap":1}`), After: json.RawMessage(`{"cap":2}`), From: catalog.From{Address: "192.0.2.1", Via: "session", Agent: "x"}}
		e.Hash = e.Sum(prev)
		prev = e.Hash
		entries = append(entries, e)
	}
	slices.Reverse(entries)
	return entries
}

// pagesOf lists a log a few entries at a time.
func pagesOf(log []catalog.Entry) func(int64) ([]catalog.Entry, error) {
	return func(before int64) ([]catalog.Entry, error) {
		at := 0
		if before != 0 {
			at = 1 + slices.IndexFunc(log, func(e catalog.Entry) bool { return e.ID == before })
		}
		return log[at:min(at+3, len(log))], nil
	}
}

func TestAnAuditLogThatWasTamperedWithIsBroken(t *testing.T) {
	const n = 8
	whole := chain(n)
	head := catalog.AuditHead{ID: n, Hash: whole[0].Hash}
	for name, c := range map[string]struct {
		tamper func(log []catalog.Entry) []catalog.Entry
		at     int64 // where it breaks, 0: it does not
	}{
		"untouched":            {func(log []catalog.Entry) []catalog.Entry { return log }, 0},
		"another did it":       {func(log []catalog.Entry) []catalog.Entry { log[3].By = "ben"; return log }, 5},
		"another time":         {func(log []catalog.Entry) []catalog.Entry { log[3].At = log[3].At.Add(time.Millisecond); return log }, 5},
		"another value before": {func(log []catalog.Entry) []catalog.Entry { log[0].Before = nil; return log }, 8},
		"text moved between":   {func(log []catalog.Entry) []catalog.Entry { log[2].Action, log[2].Target = "capsh", "op-5"; return log }, 6},
		"from elsewhere":       {func(log []catalog.Entry) []catalog.Entry { log[7].Address = "192.0.2.2"; return log }, 1},
		"one is gone":          {func(log []catalog.Entry) []catalog.Entry { return slices.Delete(log, 3, 4) }, 6},
		"the oldest are gone":  {func(log []catalog.Entry) []catalog.Entry { return log[:5] }, 4},
		"the newest are gone":  {func(log []catalog.Entry) []catalog.Entry { return log[2:] }, 8},
		"all are gone":         {func([]catalog.Entry) []catalog.Entry { return nil }, 8},
		"two changed places":   {func(log []catalog.Entry) []catalog.Entry { log[2], log[3] = log[3], log[2]; return log }, 7},
		"two changed numbers": {func(log []catalog.Entry) []catalog.Entry {
			log[2], log[3] = log[3], log[2]
			log[2].ID, log[3].ID = log[3].ID, log[2].ID
			return log
		}, 7},
		"one was put between": {func(log []catalog.Entry) []catalog.Entry {
			e := log[3]
			e.Target = "shop-x"
			e.Hash = e.Sum(log[4].Hash)
			log[3] = e
			return log
		}, 6},
		"all was written anew": {func(log []catalog.Entry) []catalog.Entry {
			prev := ""
			for i := range slices.Backward(log) {
				log[i].By = "nobody"
				log[i].Hash = log[i].Sum(prev)
				prev = log[i].Hash
			}
			return log
		}, 8},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			got, err := catalog.VerifyAudit(pagesOf(c.tamper(slices.Clone(whole))), head)
			broken := new(catalog.BrokenChain)
			switch {
			case c.at == 0 && (err != nil || got != head):
				t.Errorf("got %+v (%v), want %+v", got, err, head)
			case c.at != 0 && (!errors.As(err, &broken) || broken.ID != c.at):
				t.Errorf("got %v, want that it breaks at %d", err, c.at)
			}
		})
	}
}

func TestAnEmptyAuditLogIsWhole(t *testing.T) {
	if head, err := catalog.VerifyAudit(pagesOf(nil)); head != (catalog.AuditHead{}) || err != nil {
		t.Errorf("got %+v (%v)", head, err)
	}
}

func TestWhatAnEntryTellsIsBounded(t *testing.T) {
	for _, size := range []int{0, 10, catalog.MaxAuditValue - 2, catalog.MaxAuditValue, 1 << 20} {
		got, err := catalog.Bounded(strings.Repeat("x", size))
		if err != nil || len(got) > catalog.MaxAuditValue || !json.Valid(got) {
			t.Errorf("of %d bytes: got %d (%v)", size, len(got), err)
		}
	}
	if got, err := catalog.Bounded(nil); got != nil || err != nil {
		t.Errorf("of nothing: got %s (%v)", got, err)
	}
}

func TestDifferencesAreWhatDiffers(t *testing.T) {
	was, became, err := catalog.Difference(catalog.Site{Name: "shop", Cap: 1, TZ: "UTC"}, catalog.Site{Name: "shop", Cap: 2})
	before, _ := json.Marshal(was)
	after, _ := json.Marshal(became)
	if string(before) != `{"cap_bytes_per_second":1,"tz":"UTC"}` || string(after) != `{"cap_bytes_per_second":2}` || err != nil {
		t.Errorf("got %s and %s (%v)", before, after, err)
	}
}

func TestRolesIncludeThoseBefore(t *testing.T) {
	order := []string{catalog.RoleViewer, catalog.RoleOperator, catalog.RoleAdmin}
	for i, has := range order {
		for j, needed := range order {
			if got := catalog.Allows(has, needed); got != (i >= j) {
				t.Errorf("Allows(%s, %s) = %v", has, needed, got)
			}
		}
	}
	if catalog.Allows("root", catalog.RoleViewer) || catalog.Allows("", catalog.RoleViewer) {
		t.Error("who has no known role is allowed something")
	}
}

func TestNamesOfOperatorsAreChecked(t *testing.T) {
	for name, good := range map[string]bool{"anna": true, "anna.b+x@shop-1.example": true, "": false, "a b": false, "oidc:1": false, "a/b": false,
		"ä": false, strings.Repeat("x", catalog.MaxOperatorName+1): false} {
		if err := catalog.CheckOperatorName(name); (err == nil) != good {
			t.Errorf("%.40q: %v", name, err)
		}
	}
	for _, sites := range [][]string{{"a", "a"}, {""}, {"../x"}, slices.Repeat([]string{"a"}, catalog.MaxScope+1)} {
		if catalog.CheckScope(sites) == nil {
			t.Errorf("%.40q is a scope", sites)
		}
	}
}
