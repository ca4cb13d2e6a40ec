package schedule_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/signaling/schedule"
)

func TestABudgetIsDivided(t *testing.T) {
	fresh := schedule.Draw{}
	content := func(held, used int64) schedule.Draw {
		return schedule.Draw{Held: held, Used: float64(used), Settled: true}
	}
	for name, c := range map[string]struct {
		draws []schedule.Draw
		want  []int64
	}{
		"nobody":                       {nil, nil},
		"one":                          {[]schedule.Draw{fresh}, []int64{1000}},
		"two that just began":          {[]schedule.Draw{fresh, fresh}, []int64{500, 500}},
		"who takes all of it has more": {[]schedule.Draw{content(500, 480), content(500, 100)}, []int64{850, 150}},
		"who takes nothing may begin":  {[]schedule.Draw{content(500, 0), content(500, 500)}, []int64{62, 938}},
		"nobody takes his part":        {[]schedule.Draw{content(500, 100), content(500, 200)}, []int64{425, 575}},
		"a new one":                    {[]schedule.Draw{content(500, 100), content(500, 500), fresh}, []int64{150, 425, 425}},
	} {
		if got := schedule.Divide(1000, c.draws); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestABudgetIsNeverExceededAndNobodyIsLeftOut, whatever each takes, and what some leave is for
// those who take all they may.
func TestABudgetIsNeverExceededAndNobodyIsLeftOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		budget := rapid.Int64Range(1, 1<<40).Draw(t, "budget")
		draws := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) schedule.Draw {
			held := rapid.Int64Range(0, budget).Draw(t, "held")
			return schedule.Draw{Held: held, Used: float64(rapid.Int64Range(0, held).Draw(t, "used")), Settled: rapid.Bool().Draw(t, "settled")}
		}), 1, 50).Draw(t, "draws")
		n := int64(len(draws))
		shares, sum, left, hungry := schedule.Divide(budget, draws), int64(0), int64(0), int64(0)
		for i, share := range shares {
			sum += share
			d := draws[i]
			if share < budget/n/8 {
				t.Fatalf("site %d may take %d of %d over %d sites", i, share, budget, n)
			}
			if d.Settled && d.Used < 0.8*float64(d.Held) {
				left += max(int64(d.Used*1.5), budget/n/8)
			} else {
				hungry++
			}
		}
		if sum > budget || sum < budget-2*n {
			t.Fatalf("all together may take %d of %d", sum, budget)
		}
		for i, share := range shares {
			d := draws[i]
			if want := (budget - left) / max(hungry, 1); !(d.Settled && d.Used < 0.8*float64(d.Held)) && share < min(want, budget/n)-n {
				t.Fatalf("site %d takes all it may and has %d, want %d", i, share, want)
			}
		}
	})
}
