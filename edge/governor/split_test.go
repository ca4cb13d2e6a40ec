package governor_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/edge/governor"
)

func TestPartsAddUpToTheRateAndAreEqualAmongThoseWhoWant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Float64Range(0, 1e10).Draw(t, "rate")
		wants := rapid.SliceOfN(rapid.Bool(), 1, 64).Draw(t, "wants")
		parts := governor.Split(rate, wants)
		if len(parts) != len(wants) {
			t.Fatalf("%d parts for %d fetchers", len(parts), len(wants))
		}
		var sum float64
		of := map[bool]float64{}
		for i, p := range parts {
			sum += p
			if p < 0 || p == 0 && rate > 0 {
				t.Errorf("fetcher %d of %v gets %v of %v", i, wants, p, rate)
			}
			if first, seen := of[wants[i]]; seen && first != p {
				t.Errorf("%v and %v go to fetchers alike", first, p)
			}
			of[wants[i]] = p
		}
		if math.Abs(sum-rate) > 1e-9*rate {
			t.Errorf("the parts add up to %v, want %v", sum, rate)
		}
		if more, some := of[true]; some {
			if less, others := of[false]; others && less > more {
				t.Errorf("who wants nothing gets %v, who wants more %v", less, more)
			}
		}
	})
}

func TestNobodyGetsAPartOfNothing(t *testing.T) {
	if parts := governor.Split(1000, nil); len(parts) != 0 {
		t.Errorf("got %v for no fetchers", parts)
	}
}
