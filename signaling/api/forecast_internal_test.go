package api

import (
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

func TestBytesOfAForecastAreThoseThatASiteLacks(t *testing.T) {
	d := func(b byte) content.Digest { return content.Digest{b} }
	l := &lacking{version: catalog.Version{Name: "app", Version: "3"}, all: 111, needs: []needed{{d(1), 1}, {d(2), 10}, {d(3), 100}},
		older: map[string]map[content.Digest]struct{}{"app@1": {d(1): {}}, "app@2": {d(2): {}, d(9): {}}}, known: map[string]int64{}}
	for _, c := range []struct {
		holds []string
		want  int64
	}{
		{nil, 111}, {[]string{"other@1"}, 111}, {[]string{"app@1"}, 110}, {[]string{"app@2", "app@1", "app@2"}, 100}, {[]string{"app@1", "app@2"}, 100},
		{[]string{"app@1", "app@3"}, 0},
	} {
		if got := l.where(c.holds); got != c.want {
			t.Errorf("where %v is held: %d bytes, want %d", c.holds, got, c.want)
		}
	}
}

func TestALaterRingOpensAtTheEarliestWhenThoseBeforeItSoaked(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	ring := func(name string, soak int64) catalog.Ring {
		return catalog.Ring{Name: name, Gates: catalog.Gates{SoakSeconds: soak}}
	}
	var d catalog.Distribution
	if got := opens(d, "", now); !got.IsZero() {
		t.Errorf("without rings it begins at %v, want at once", got)
	}
	d.Rings = []catalog.Ring{ring("a", 3600), ring("b", 60), ring("c", 0)}
	for name, want := range map[string]time.Duration{"a": 0, "b": time.Hour, "c": time.Hour + time.Minute} {
		if got := opens(d, name, now); want == 0 && !got.IsZero() || want > 0 && !got.Equal(now.Add(want)) {
			t.Errorf("ring %s opens at %v, want in %v", name, got, want)
		}
	}
	d.NotBefore = now.Add(time.Hour)
	if got := opens(d, "b", now); !got.Equal(now.Add(2 * time.Hour)) {
		t.Errorf("ring b of one that may not begin yet opens at %v", got)
	}
}

func TestAForecastListsFirstWhatMatters(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	out := summedUp([]ForecastSite{
		{Site: "offline", Bytes: 1}, {Site: "soon", Online: 1, Bytes: 10, Ready: now}, {Site: "last", Online: 2, Bytes: 100, Ready: now.Add(time.Hour)},
		{Site: "unknown", Online: 1, Bytes: 1000}, {Site: "late", Online: 1, Ready: now.Add(time.Minute), Misses: true, Why: "its cap"},
	})
	var names string
	for _, r := range out.Rows {
		names += r.Site + " "
	}
	if names != "late unknown last soon offline " || out.Sites != 5 || out.Offline != 1 || out.Unknown != 1 || out.Misses != 1 || out.Bytes != 1111 || !out.Ready.Equal(now.Add(time.Hour)) {
		t.Errorf("got %q of %+v", names, out)
	}
	many := summedUp(make([]ForecastSite, maxForecastRows+7))
	if len(many.Rows) != maxForecastRows || many.More != 7 {
		t.Errorf("of many: %d rows and %d more", len(many.Rows), many.More)
	}
}
