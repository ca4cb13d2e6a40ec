package board

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// wanted is a source that wants one flow of every site, paused or not.
type wanted struct {
	mu     sync.Mutex
	paused bool
}

func (w *wanted) Desired(_ context.Context, name string, _ []wire.Named) (site.Desired, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	flow := site.FlowSpec{ID: content.VersionID{1}, Head: content.Head{Name: "app", Version: "1"}, Paused: w.paused && name == "a"}
	return site.Desired{Cap: wire.Unlimited, Flows: []site.FlowSpec{flow}}, nil
}

func (w *wanted) pause() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.paused = true
}

// With thousands of sites all of them are looked at seldom; what somebody ordered at one is
// seen at once, and only that one is asked.
func TestWhatIsOrderedIsSeenBetweenLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := &wanted{}
		hub := site.NewHub(site.Config{Epoch: 1, Log: slog.New(slog.DiscardHandler)}, from)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- hub.Run(ctx) }()
		defer func() { stop(); <-ended }()
		synctest.Wait()
		b := New(hub)
		hub.Site("a")
		hub.Site("b")
		synctest.Wait()
		if err := b.LookAtRunning(ctx); err != nil {
			t.Fatal(err)
		}
		b.rest = time.Hour // looking took so long
		seq, asked := b.seq, b.Site("b").At
		time.Sleep(Every)
		if err := b.LookAtRunning(ctx); err != nil || b.seq != seq {
			t.Fatalf("nothing was ordered, and %d became %d, %v", seq, b.seq, err)
		}
		from.pause()
		hub.Changed("a")
		synctest.Wait()
		time.Sleep(Every)
		if err := b.LookAtRunning(ctx); err != nil {
			t.Fatal(err)
		}
		if got, ok := since(b, seq, "", ""); got != "a/app@1 paused" || !ok {
			t.Errorf("got %q, %v, want that a is paused", got, ok)
		}
		if at := b.Site("b").At; !at.Equal(asked) {
			t.Errorf("b was asked again after %v", at.Sub(asked))
		}
	})
}
