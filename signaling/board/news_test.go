package board

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestNewsAreChangesOfStates(t *testing.T) {
	b := New(nil)
	at := time.Date(2026, 11, 27, 14, 0, 0, 0, time.UTC)
	see := func(name string, stirs uint64, flows ...string) {
		show(b, name, stirs, flows...)
		b.sites[name].At = at
	}
	told := func(most int, name string) string {
		var words []string
		for _, n := range b.News(most, func(site string) bool { return name == "" || site == name }) {
			words = append(words, fmt.Sprintf("%s %s@%s %s>%s", n.Site, n.Content, n.Version, n.Was, n.State))
		}
		return strings.Join(words, "; ")
	}
	see("a", 1, "app@1 running", "film@1 waiting")
	see("b", 1, "app@1 running")
	if got := told(10, ""); got != "" {
		t.Errorf("what is seen for the first time is told as news: %q", got)
	}
	see("a", 2, "app@2 running", "film@1 waiting")
	see("b", 2, "app@1 failed")
	see("a", 3, "app@2 complete", "film@1 waiting")
	for _, c := range []struct {
		most       int
		name, want string
	}{
		{10, "", "a app@2 running>complete; b app@1 running>failed; a app@2 >running"},
		{2, "", "a app@2 running>complete; b app@1 running>failed"},
		{10, "b", "b app@1 running>failed"},
	} {
		if got := told(c.most, c.name); got != c.want {
			t.Errorf("%d of %q: got %q, want %q", c.most, c.name, got, c.want)
		}
	}
	for i := range uint64(maxNews) {
		see("b", 3+i, "app@1 "+[]string{"running", "failed"}[i%2])
	}
	if len(b.news) != maxNews || strings.Contains(told(maxNews, ""), "a app") {
		t.Errorf("%d are remembered, want the last %d", len(b.news), maxNews)
	}
}
