package cache_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/edge/cache"
	"github.com/sitecast/sitecast/storage/content"
)

func TestOperatorsMakeAPolicyStricterAndNeverLooser(t *testing.T) {
	own := cache.Policy{Quota: cache.Amount{Bytes: 20e9, Percent: 10}, Floor: cache.Amount{Bytes: 1e9}, Idle: 24 * time.Hour, Keep: 1}
	for name, c := range map[string]struct {
		own          cache.Policy
		quota, floor int64
		idle         time.Duration
		want         cache.Policy
	}{
		"nothing is said": {own, 0, 0, 0, own},
		"all is stricter": {own, 5e9, 2e9, time.Hour, cache.Policy{Quota: cache.Amount{Bytes: 5e9, Percent: 10}, Floor: cache.Amount{Bytes: 1e9}, Least: 2e9, Idle: time.Hour, Keep: 1}},
		"all is looser":   {own, 50e9, 0, 99 * time.Hour, own},
		"nothing is set":  {cache.Policy{}, 5e9, 2e9, time.Hour, cache.Policy{Quota: cache.Amount{Bytes: 5e9}, Least: 2e9, Idle: time.Hour}},
	} {
		if got := c.own.Within(c.quota, c.floor, c.idle); got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

func TestOfTwoFloorsTheHigherStaysFree(t *testing.T) {
	s := cache.State{Disk: 100e9, Free: 10e9}
	for name, c := range map[string]struct {
		floor cache.Amount
		least int64
		room  int64
	}{
		"the device's":   {cache.Amount{Percent: 5}, 1e9, 5e9},
		"the operators'": {cache.Amount{Percent: 5}, 8e9, 2e9},
	} {
		p := cache.Policy{Floor: c.floor}.Within(0, c.least, 0)
		if got := cache.Room(p, s); got != c.room {
			t.Errorf("%s: room for %d bytes, want %d", name, got, c.room)
		}
	}
	v := cache.Admit(cache.Policy{Least: 8e9}, s, content.Ref{Name: "app", Version: "1"}, 3e9)
	if v.Admit || !strings.Contains(v.Reason, "as operators set cache_floor") {
		t.Errorf("admitted %v, because %s", v.Admit, v.Reason)
	}
}

func TestFillIsWhatVersionsTakeOfWhatTheyMay(t *testing.T) {
	held := []cache.Version{{Bytes: 3e9}, {Bytes: 1e9}}
	for name, c := range map[string]struct {
		policy cache.Policy
		free   int64
		budget int64
	}{
		"a quota":                     {cache.Policy{Quota: cache.Amount{Bytes: 20e9}}, 50e9, 20e9},
		"less on the disk than that":  {cache.Policy{Quota: cache.Amount{Bytes: 20e9}, Floor: cache.Amount{Bytes: 1e9}}, 6e9, 9e9},
		"no quota":                    {cache.Policy{Floor: cache.Amount{Bytes: 1e9}}, 6e9, 9e9},
		"less free than there should": {cache.Policy{Floor: cache.Amount{Bytes: 2e9}}, 1e9, 3e9},
		"no room for anything":        {cache.Policy{Floor: cache.Amount{Bytes: 9e9}}, 1e9, 0},
	} {
		used, budget := cache.Fill(c.policy, cache.State{Disk: 100e9, Free: c.free, Versions: held})
		if used != 4e9 || budget != c.budget {
			t.Errorf("%s: %d of %d bytes, want %d", name, used, budget, c.budget)
		}
	}
}
