package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/patch"
)

// patcher makes patches from versions to those after them, one version at a time and
// with half of one processor: nobody needs them, and the server has other things to do.
// What a restart interrupts is begun anew, as the catalog says what is due. So is what
// fails for a reason that may pass, later each time; that a version can't be patched is
// noted, as one that has no patches. What is of no use any more is deleted.
type patcher struct {
	// Set by newPatcher, then constant.
	catalog catalog.Catalog
	objects blob.Store
	folder  string // where objects are written before they have a name
	log     *slog.Logger
	changed func() // told when there are patches, or some are not to be waited for
	// running lists what sites fetch now, whoever wanted it, and forget is told of versions
	// whose patches are gone.
	running func(context.Context) ([]content.Ref, error)
	forget  func(content.Ref)
	wake    chan struct{}

	// What became of patches since the start; none are where a version can have none.
	made, none, failures, dropped atomic.Int64

	// Owned by run.
	useless map[uint64]bool // patches that nobody had a use for, by serial, when it was last looked

	// mu guards the rest.
	mu     sync.Mutex
	failed map[uint64]failure // versions that are due and are tried again, by serial
}

// failure is what failed so often, and when it is tried again.
type failure struct {
	times int
	again time.Time
}

const (
	// patchRetry is when what failed once is tried again, and doubles each time up to
	// maxPatchRetry.
	patchRetry    = time.Minute
	maxPatchRetry = 6 * time.Hour
	// sweepEvery is how often patches that are of no use are looked for. They are deleted
	// when they are of none a second time: every lease that names them has ended by then.
	sweepEvery = time.Hour
)

// unfinished matches the files that a patcher writes.
const unfinished = "patches-*"

func newPatcher(c catalog.Catalog, objects blob.Store, folder string, log *slog.Logger) *patcher {
	return &patcher{catalog: c, objects: objects, folder: folder, log: log, changed: func() {}, forget: func(content.Ref) {},
		running: func(context.Context) ([]content.Ref, error) { return nil, nil },
		wake:    make(chan struct{}, 1), useless: map[uint64]bool{}, failed: map[uint64]failure{}}
}

// published tells that patches may be due. It does not block.
func (p *patcher) published() {
	select {
	case p.wake <- struct{}{}:
	default: // it looks anyhow
	}
}

// run makes what is due until ctx ends.
func (p *patcher) run(ctx context.Context) error {
	left, err := filepath.Glob(filepath.Join(p.folder, unfinished))
	for _, name := range left {
		err = errors.Join(err, os.Remove(name))
	}
	if err != nil {
		p.log.Warn("removing what an earlier start left of patches", "err", err)
	}
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	for {
		again, err := p.makeDue(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			p.log.Error("looking for patches to make; it is done again", "err", err)
			again = time.Now().Add(patchRetry)
		}
		var retry <-chan time.Time
		if !again.IsZero() {
			retry = time.After(time.Until(again))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-p.wake:
		case <-retry:
		case <-sweep.C:
			if err := p.sweep(ctx); err != nil && ctx.Err() == nil {
				p.log.Error("looking for patches of no use; it is done again", "err", err)
			}
		}
	}
}

// makeDue makes the patches that are due, and returns when to try what failed again; the
// zero time where nothing did.
func (p *patcher) makeDue(ctx context.Context) (again time.Time, err error) {
	for {
		due, err := p.catalog.Unpatched(ctx)
		if err != nil {
			return again, err
		}
		var next catalog.Succession
		if next, again = p.next(due, time.Now()); next.Serial == 0 {
			return again, nil
		}
		err = p.makeOne(ctx, next)
		if ctx.Err() != nil {
			return again, ctx.Err()
		}
		if err != nil {
			p.failures.Add(1)
			again = p.fail(next.Serial, time.Now())
			p.log.Warn("making patches", "content", next.Name, "version", next.Version, "err", err, "again", again)
		}
		p.changed()
	}
}

// next chooses which patches to make now, the newest as it is about to be distributed. If
// all that are due are to be tried later (or none are), it says when the first is.
func (p *patcher) next(due []catalog.Succession, now time.Time) (next catalog.Succession, again time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for serial := range p.failed {
		if !slices.ContainsFunc(due, func(s catalog.Succession) bool { return s.Serial == serial }) {
			delete(p.failed, serial) // a newer version was published
		}
	}
	for _, s := range slices.Backward(due) {
		f := p.failed[s.Serial]
		if !f.again.After(now) {
			return s, again
		}
		if again.IsZero() || f.again.Before(again) {
			again = f.again
		}
	}
	return next, again
}

// fail puts off what failed.
func (p *patcher) fail(serial uint64, now time.Time) (again time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.failed[serial]
	f.again = now.Add(min(patchRetry<<min(f.times, 20), maxPatchRetry))
	f.times++
	p.failed[serial] = f
	return f.again
}

// putOff reports whether patches of a version that are due failed, so that nobody should
// wait for them.
func (p *patcher) putOff(serial uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed[serial].times > 0
}

// makeOne makes the patches of one version and notes what became of them.
func (p *patcher) makeOne(ctx context.Context, next catalog.Succession) error {
	var made catalog.Patches
	older, err := p.version(ctx, content.Ref{Name: next.Name, Version: next.Before})
	if err == nil {
		made.Base = older.ID
		made.Object, err = p.make(ctx, older, content.Ref{Name: next.Name, Version: next.Version})
	}
	if err != nil && (!lasts(err) || ctx.Err() != nil) {
		return err
	}
	if err != nil {
		p.log.Warn("a version has no patches", "content", next.Name, "version", next.Version, "err", err)
	}
	if made.Object == (content.Digest{}) {
		p.none.Add(1)
	} else {
		p.made.Add(1)
	}
	return p.catalog.PutPatches(ctx, next.Serial, made)
}

// errElsewhere means that the server has no bytes of a version, to make patches of or to.
var errElsewhere = errors.New("its bytes lie at a vendor's URL")

// lasts reports whether it is of no use to try again what failed: what it would be made of
// is not at the origin. All else, as a full disk or a store that is not reached, may pass.
func lasts(err error) bool {
	return errors.Is(err, patch.ErrDamaged) || errors.Is(err, errElsewhere) || errors.Is(err, blob.ErrNotFound) || errors.Is(err, catalog.ErrNotFound)
}

// make makes the patches of a version and keeps them, where they are worth it.
func (p *patcher) make(ctx context.Context, older patch.Version, ref content.Ref) (object content.Digest, err error) {
	newer, err := p.version(ctx, ref)
	if err != nil {
		return object, err
	}
	file, err := os.CreateTemp(p.folder, unfinished)
	if err != nil {
		return object, err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	began := time.Now()
	made, err := (&patch.Maker{Objects: p.objects, Rest: rest}).Make(ctx, older, newer, file)
	if err != nil || !made.Worth {
		return object, err
	}
	if err := p.objects.Put(ctx, made.Object, made.Size, io.NewSectionReader(file, 0, made.Size)); err != nil {
		return object, err
	}
	p.log.Info("made patches", "content", ref.String(), "chunks", len(made.Patches.Entries), "bytes", made.Bytes,
		"in_place_of", made.Own, "took", time.Since(began))
	return made.Object, nil
}

// rest lets the processor do something else for as long as was worked.
func rest(ctx context.Context, worked time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(worked):
		return nil
	}
}

// version reads what a version consists of, and where that lies.
func (p *patcher) version(ctx context.Context, ref content.Ref) (out patch.Version, err error) {
	v, err := p.catalog.Version(ctx, ref.Name, ref.Version)
	if err != nil {
		return out, err
	}
	encoded, err := blob.Read(ctx, p.objects, v.Body, content.MaxBodyBytes)
	if errors.Is(err, blob.ErrTooLarge) {
		err = fmt.Errorf("%w: %w", patch.ErrDamaged, err)
	}
	if err != nil {
		return out, fmt.Errorf("read %s: %w", ref, err)
	}
	if out, err = versionOf(v, encoded); err != nil {
		return out, fmt.Errorf("read %s: %w: %w", ref, patch.ErrDamaged, err)
	}
	at, err := catalog.ExternalOf(ctx, p.catalog, out.Placement)
	if err == nil && at != nil {
		err = fmt.Errorf("%s: %w", ref, errElsewhere)
	}
	return out, err
}

// versionOf reads what the catalog and the origin have of a version.
func versionOf(v catalog.Version, body []byte) (out patch.Version, err error) {
	head, id, err := content.ReadHead(v.Head)
	if err != nil {
		return out, err
	}
	out.ID = id
	if out.Body, err = head.OpenBody(body); err != nil {
		return out, err
	}
	if out.Placement, err = catalog.DecodePlacement(v.Placement); err == nil && len(out.Placement.Chunks) != len(out.Body.Chunks) {
		err = errors.New("its placement is of another version")
	}
	return out, err
}
