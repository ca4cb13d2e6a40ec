package history

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/board"
	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// wanted is what a test wants of all sites.
type wanted struct {
	mu    sync.Mutex
	flows []site.FlowSpec
}

func (w *wanted) Desired(context.Context, string, []wire.Named) (site.Desired, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return site.Desired{Generation: uint64(len(w.flows)), Flows: w.flows, Cap: wire.Unlimited}, nil
}

func (w *wanted) add(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var id content.VersionID
	copy(id[:], name)
	w.flows = append(w.flows, site.FlowSpec{ID: id, Priority: wire.Normal, Envelope: json.RawMessage(`{}`), Places: make([]schedule.Place, 1),
		Head: content.Head{Name: name, Version: "1", Chunks: 1, UniqueBytes: 1000, BodyBytes: 100}})
}

// running runs sites and a recorder of them for a test.
func running(t *testing.T, dir string, of *wanted, log *slog.Logger) (*site.Hub, *Recorder) {
	hub := site.NewHub(site.Config{Epoch: 1, Log: log, URL: func(site.Object, time.Duration) string { return "/" }}, of)
	store, err := Open(dir, UsualBytes)
	if err != nil {
		t.Fatal(err)
	}
	r := New(store, board.New(hub), log)
	ctx, stop := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { _ = hub.Run(ctx) })
	done.Go(func() { _ = r.Run(ctx) })
	t.Cleanup(func() { stop(); done.Wait() })
	synctest.Wait()
	hub.Site("shop")
	return hub, r
}

func keysAt(t *testing.T, r *Recorder, at time.Time) string {
	t.Helper()
	p, err := r.Flows(at, "shop")
	if err != nil {
		return err.Error()
	}
	var keys []string
	for _, f := range p.Rows("shop") {
		keys = append(keys, f.Key)
	}
	return strings.Join(keys, " ")
}

func TestRecorderKeepsWhatSitesShowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, of := t.TempDir(), new(wanted)
		of.add("app")
		begun := time.Now()
		hub, r := running(t, dir, of, slog.New(slog.DiscardHandler))
		time.Sleep(5 * time.Minute)
		of.add("film")
		hub.Changed("")
		time.Sleep(3 * time.Hour)
		for after, want := range map[time.Duration]string{Step / 2: ErrNotRecorded.Error(), Step: "app@1", 5*time.Minute - Step: "app@1", 5*time.Minute + 2*Step: "app@1 film@1", 2 * time.Hour: "app@1 film@1", 3 * time.Hour: "app@1 film@1"} {
			if got := keysAt(t, r, begun.Add(after)); got != want {
				t.Errorf("after %v there was %q, want %q", after, got, want)
			}
		}
		if spans, step := r.Spans(time.Now()); len(spans) != 1 || spans[0].From.Sub(begun) != Step || step != Step {
			t.Errorf("there are %v, each %v", spans, step)
		}
		if n := r.Bytes(); n > 200_000 {
			t.Errorf("three hours of next to nothing have %d bytes", n)
		}
		r.forget(time.Now().Add(2 * keepPicture))
		if len(r.kept) != 0 {
			t.Error("a picture is kept at which nobody looks")
		}
	})
}

// A disk that takes nothing is told once; when it does again, what comes then can be looked at.
func TestRecorderGoesOnWhenTheDiskDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, of := filepath.Join(t.TempDir(), "history"), new(wanted)
		of.add("app")
		var log bytes.Buffer
		begun := time.Now()
		_, r := running(t, dir, of, slog.New(slog.NewTextHandler(&log, nil)))
		time.Sleep(time.Minute)
		away := dir + "-away"
		if err := os.Rename(dir, away); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if n := strings.Count(log.String(), "is not recorded"); n != 1 {
			t.Errorf("it was said %d times", n)
		}
		if err := os.Rename(away, dir); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		for after, want := range map[time.Duration]string{30 * time.Second: "app@1", 3 * time.Minute: ErrNotRecorded.Error(), 6*time.Minute + 3*Step: "app@1"} {
			if got := keysAt(t, r, begun.Add(after)); got != want {
				t.Errorf("after %v there was %q, want %q", after, got, want)
			}
		}
	})
}
