package site_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
)

// source is a site.Source that answers as it is set.
type source struct {
	mu    sync.Mutex
	want  map[string]site.Desired
	err   error
	asked []string
	named []wire.Named // as asked last
}

func (s *source) Desired(_ context.Context, name string, named []wire.Named) (site.Desired, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.named = named
	s.asked = append(s.asked, name)
	return s.want[name], s.err
}

func (s *source) lookedUp() []wire.Named {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.named
}

func (s *source) set(want map[string]site.Desired, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.want, s.err, s.asked = want, err, nil
}

func (s *source) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// onHub runs do in a bubble beside a running hub.
func onHub(t *testing.T, do func(h *site.Hub, from *source)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		from := &source{}
		ctx, stop := context.WithCancel(context.Background())
		hub := site.NewHub(config(""), from)
		if hub.Site("shop-1") != nil {
			t.Error("a hub that does not run has a site")
		}
		ended := make(chan error, 1)
		go func() { ended <- hub.Run(ctx) }()
		synctest.Wait()
		do(hub, from)
		stop()
		if err := <-ended; err != nil {
			t.Errorf("hub ended with %v", err)
		}
		if hub.Site("shop-9") != nil {
			t.Error("a hub that ended has a site")
		}
	})
}

func flows(t *testing.T, s *site.Site) (names []string) {
	t.Helper()
	v, err := s.View(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range v.Flows {
		names = append(names, f.Site+"/"+f.Content)
	}
	return names
}

func TestHubStartsASiteOnceAndToldWhatIsWanted(t *testing.T) {
	onHub(t, func(h *site.Hub, from *source) {
		from.set(map[string]site.Desired{
			"shop-1": {Generation: 1, Flows: []site.FlowSpec{version("a", 3)}, Cap: wire.Unlimited},
			"shop-2": {Generation: 1, Flows: []site.FlowSpec{version("b", 3)}, Cap: wire.Unlimited},
		}, nil)
		one, two := h.Site("shop-1"), h.Site("shop-2")
		synctest.Wait()
		if h.Site("shop-1") != one || one == two {
			t.Error("a name does not stand for one site")
		}
		if got, want := h.Running(), []string{"shop-1", "shop-2"}; !slices.Equal(got, want) {
			t.Errorf("running %v, want %v", got, want)
		}
		if got := fmt.Sprint(flows(t, one), flows(t, two)); got != "[shop-1/a] [shop-2/b]" {
			t.Errorf("flows %s, want each its own", got)
		}
		if got := len(from.names()); got != 2 {
			t.Errorf("read %d times, want once each", got)
		}
	})
}

func TestHubReadsAgainOnlyWhatChanged(t *testing.T) {
	onHub(t, func(h *site.Hub, from *source) {
		one := h.Site("shop-1")
		h.Site("shop-2")
		synctest.Wait()
		from.set(map[string]site.Desired{"shop-1": {Generation: 2, Flows: []site.FlowSpec{version("a", 3)}}}, nil)
		h.Changed("shop-1")
		h.Changed("shop-3") // has no loop and needs none
		synctest.Wait()
		if got := from.names(); !slices.Equal(got, []string{"shop-1"}) {
			t.Errorf("read %v, want shop-1 only", got)
		}
		if got := flows(t, one); !slices.Equal(got, []string{"shop-1/a"}) {
			t.Errorf("flows %v, want the new one", got)
		}
		from.set(nil, nil)
		h.Changed("")
		synctest.Wait()
		if got := slices.Sorted(slices.Values(from.names())); !slices.Equal(got, []string{"shop-1", "shop-2"}) {
			t.Errorf("read %v, want every site", got)
		}
		time.Sleep(time.Hour)
		if got := len(from.names()); got != 2 {
			t.Errorf("read %d times though nothing changed, want 2", got)
		}
	})
}

func TestHubReadsAgainASecondAfterItFailedAndTellsNobodyAnythingTillThen(t *testing.T) {
	onHub(t, func(h *site.Hub, from *source) {
		from.set(nil, errors.New("the catalog is locked"))
		one := h.Site("shop-1")
		s := &stand{t: t, site: one}
		till := s.join("till")
		s.pass(2500 * time.Millisecond)
		if got := len(from.names()); got != 3 {
			t.Errorf("read %d times in 2.5 s, want 3", got)
		}
		if got := till.kinds(); len(got) != 0 {
			t.Errorf("told %v, want nothing", got)
		}
		from.set(map[string]site.Desired{"shop-1": {Generation: 2, Flows: []site.FlowSpec{version("a", 3)}}}, nil)
		s.pass(time.Second)
		if got := len(take[wire.Flow](till)); got != 1 {
			t.Errorf("told of %d flows, want 1", got)
		}
	})
}

func TestHubThatEndsEndsItsSitesThoughTheirSourceFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := &source{err: errors.New("the catalog is locked")}
		ctx, stop := context.WithCancel(context.Background())
		hub := site.NewHub(config(""), from)
		ended := make(chan error, 1)
		go func() { ended <- hub.Run(ctx) }()
		synctest.Wait()
		one := hub.Site("shop-1")
		synctest.Wait()
		stop()
		if err := <-ended; err != nil {
			t.Errorf("hub ended with %v", err)
		}
		if _, err := one.View(context.Background()); !errors.Is(err, site.ErrStopped) {
			t.Errorf("got %v, want %v", err, site.ErrStopped)
		}
	})
}
