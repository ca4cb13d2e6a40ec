package disk

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// manyFiles is how many files are synced one by one at most, where the system can
// do it for all at once.
const manyFiles = 32

// commitAll commits what was put, until the store is closed.
func (s *Store) commitAll() {
	for {
		select {
		case <-s.stop:
			return
		case <-s.dirty:
		}
		select {
		case <-s.stop:
			return
		case <-s.full:
		case <-time.After(CommitInterval):
		}
		s.mu.Lock()
		versions := make([]*version, 0, len(s.versions))
		for _, v := range s.versions {
			versions = append(versions, v)
		}
		s.mu.Unlock()
		for _, v := range versions {
			if !v.commitOrSay(time.Now()) {
				signal(s.dirty) // tried again
			}
		}
	}
}

// commitOrSay commits, and logs once that it fails and that it does no more. It
// reports whether there is nothing to try again.
func (v *version) commitOrSay(now time.Time) (done bool) {
	err := v.Commit()
	switch ref := v.head.Ref().String(); {
	case errors.Is(err, errClosed):
		return true
	case err != nil:
		if v.trouble.met(now, err) {
			v.store.log.Error("what came is not safe from a power cut; it is tried again all the time", "content", ref, "err", err)
		}
		return false
	case v.trouble.over():
		v.store.log.Info("what came is safe again", "content", ref)
	}
	return true
}

// sayAgainAfter is how long a trouble that lasts is not logged again.
const sayAgainAfter = 10 * time.Minute

// trouble is what was logged of commits that fail: a disk that is full is so every
// [CommitInterval].
type trouble struct {
	kind string // empty: there is none
	said time.Time
}

// met reports whether an error should be logged.
func (t *trouble) met(now time.Time, err error) bool {
	kind := err.Error()
	if code, ok := errors.AsType[syscall.Errno](err); ok {
		kind = code.Error() // whatever file it was this time
	}
	if kind == t.kind && now.Sub(t.said) < sayAgainAfter {
		return false
	}
	*t = trouble{kind, now}
	return true
}

// over reports whether there was trouble until now.
func (t *trouble) over() bool {
	was := t.kind != ""
	*t = trouble{}
	return was
}

// Commit implements [chunk.Version].
func (v *version) Commit() error {
	v.durable.Lock()
	defer v.durable.Unlock()
	if err := v.commit(); err != nil {
		return fmt.Errorf("commit %s: %w", v.head.Ref(), named(err))
	}
	return nil
}

// commit makes content durable first, and then its record. It needs durable.
func (v *version) commit() error {
	if v.tree == nil {
		return errClosed
	}
	v.mu.Lock()
	now := state{v.state.have.Clone(), v.state.counters}
	touched, fresh, pending := v.touched, v.fresh, v.pending
	v.touched, v.fresh = make(map[int]bool), nil
	v.mu.Unlock()

	if err := v.syncFiles(v.journal.file, touched); err != nil {
		v.distrust(fresh)
		v.written(pending)
		return err
	}
	v.linger(fresh)
	r := changes(v.committed.have, now, v.chunks())
	if r.counters != v.committed.counters || len(r.cleared)+len(r.set) > 0 {
		if err := v.journal.append(r); err != nil {
			return err
		}
		v.committed = now
	}
	v.written(pending)
	if v.journal.end > compactBytes {
		return v.journal.begin(v, now)
	}
	return nil
}

// distrust forgets the chunks that a failed sync was for, and what was or is being
// put meanwhile: after an error the system may count pages as written that were
// not, and the next sync succeed.
func (v *version) distrust(chunks []uint32) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.clear(chunks)
	v.clear(v.fresh)
	v.fresh = nil
	v.failed++
}

// written takes bytes off what waits for a commit.
func (v *version) written(bytes int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.pending -= bytes
	v.store.uncommitted.Add(-bytes)
}

// syncFiles makes files durable that are not placed yet. on is a file of the same
// file system.
func (v *version) syncFiles(on *os.File, touched map[int]bool) error {
	sys := &v.store.sys
	if len(touched) > manyFiles {
		err := sys.syncAll(on)
		if !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	for file := range touched {
		// The file may have been closed since: a sync covers all its pages.
		if err := v.store.files.with(fileKey{v, file}, v.opener(file), func(f *os.File) error { return sys.sync(f) }); err != nil {
			return err
		}
	}
	return nil
}
