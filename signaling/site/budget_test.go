package site

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestABudgetOfAllIsNeverExceeded: whoever asks, comes and goes in whatever order, what all may
// take is the budget at most, and who keeps asking has a part of it.
func TestABudgetOfAllIsNeverExceeded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64Range(1000, 1<<40).Draw(t, "budget")
		n := rapid.IntRange(1, 20).Draw(t, "sites")
		b, now, held := &Budget{}, time.Unix(1e6, 0), map[string]int64{}
		ask := func(i int, part float64) {
			name := fmt.Sprint(i)
			held[name] = b.take(now, name, total, 1, part*float64(held[name]))
			sum := int64(0)
			for name, h := range held {
				if sum += h; b.sites[name] == nil { // a part lapses with its site
					sum -= h
					delete(held, name)
				}
			}
			if sum > total {
				t.Fatalf("all together may take %d of %d", sum, total)
			}
		}
		for range rapid.IntRange(0, 100).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "passes")) * time.Millisecond)
			i := rapid.IntRange(0, n-1).Draw(t, "site")
			if rapid.IntRange(0, 9).Draw(t, "leaves") == 0 {
				b.leave(fmt.Sprint(i))
				delete(held, fmt.Sprint(i))
				continue
			}
			ask(i, rapid.Float64Range(0, 1).Draw(t, "takes"))
		}
		// All ask at each of their ticks: half of them take all that they may, the others nothing.
		for range 60 {
			now = now.Add(500 * time.Millisecond)
			for i := range n {
				ask(i, float64(i%2))
			}
		}
		hungry := int64(n / 2)
		for i := range n {
			switch got := held[fmt.Sprint(i)]; {
			case got < total/int64(n)/10:
				t.Fatalf("site %d of %d has %d of %d", i, n, got, total)
			case i%2 == 1 && got < (total-total/8)/hungry/10*8:
				t.Fatalf("site %d, one of %d that take all they may, has %d of %d", i, hungry, got, total)
			}
		}
	})
}

func TestABudgetThatIsLoweredIsGivenUpWithinATick(t *testing.T) {
	b, now := &Budget{}, time.Unix(1e6, 0)
	ask := func(site string, total int64, generation uint64) int64 {
		return b.take(now, site, total, generation, 1e6)
	}
	for range 3 {
		ask("a", 1000, 1)
		ask("b", 1000, 1)
	}
	if a, b := ask("a", 1000, 1), ask("b", 1000, 1); a != 500 || b != 500 {
		t.Fatalf("they may take %d and %d, want half each", a, b)
	}
	now = now.Add(500 * time.Millisecond)
	if a, b := ask("a", 200, 2), ask("b", 1000, 1); a != 100 || b != 100 {
		t.Errorf("they may take %d and %d of what is lower now, want half each, also who has not heard of it", a, b)
	}
	b.leave("a")
	if got := ask("b", 200, 2); got != 200 {
		t.Errorf("the last one may take %d, want all", got)
	}
	now = now.Add(drawLasts)
	if got := ask("c", 200, 2); got != 200 {
		t.Errorf("beside one that went silent for long another may take %d, want all", got)
	}
	if got := (*Budget)(nil).take(now, "a", 7, 1, 0); got != 7 {
		t.Errorf("alone it may take %d", got)
	}
}
