package disk

import (
	"os"
	"sync"
	"time"
)

// waits counts for how long the store waited for the disk: the time in which at least
// one of its calls was under way.
type waits struct {
	// mu guards the rest.
	mu    sync.Mutex
	calls int       // under way
	since time.Time // they are
	total time.Duration
}

func (w *waits) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.calls++; w.calls == 1 {
		w.since = time.Now()
	}
}

func (w *waits) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.calls--; w.calls == 0 {
		w.total += time.Since(w.since)
	}
}

// Waited returns for how long the store has waited for the disk since it was opened.
// It is what has to be taken off when one asks how long others did.
func (s *Store) Waited() time.Duration {
	w := &s.waits
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.calls > 0 {
		return w.total + time.Since(w.since)
	}
	return w.total
}

// counted has the calls that wait for the disk counted.
func (w *waits) counted(sys system) system {
	write, sync, syncAll := sys.write, sys.sync, sys.syncAll
	sys.write = func(f *os.File, b []byte, at int64) (int, error) {
		w.begin()
		defer w.end()
		return write(f, b, at)
	}
	sys.sync = func(f *os.File) error {
		w.begin()
		defer w.end()
		return sync(f)
	}
	sys.syncAll = func(f *os.File) error {
		w.begin()
		defer w.end()
		return syncAll(f)
	}
	return sys
}
