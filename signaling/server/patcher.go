package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/patch"
)

// patcher makes patches from versions to those after them, one version at a time and
// with half of one processor: nobody needs them, and the server has other things to do.
// What a restart interrupts is begun anew, as the catalog says what is due.
type patcher struct {
	catalog catalog.Catalog
	objects blob.Store
	folder  string // where objects are written before they have a name
	log     *slog.Logger
	changed func() // told when there are patches
	wake    chan struct{}
}

// patchRetry is when what could not be noted is tried again.
const patchRetry = time.Minute

// unfinished matches the files that a patcher writes.
const unfinished = "patches-*"

func newPatcher(c catalog.Catalog, objects blob.Store, folder string, changed func(), log *slog.Logger) *patcher {
	return &patcher{catalog: c, objects: objects, folder: folder, changed: changed, log: log, wake: make(chan struct{}, 1)}
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
	for {
		err := p.makeDue(ctx)
		if ctx.Err() != nil {
			return nil
		}
		var again <-chan time.Time
		if err != nil {
			p.log.Error("making patches; it is tried again", "err", err)
			again = time.After(patchRetry)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-p.wake:
		case <-again:
		}
	}
}

// makeDue makes the patches that are due. A version that can't be patched is noted as
// one that has none, so that nobody waits for them.
func (p *patcher) makeDue(ctx context.Context) error {
	for {
		due, err := p.catalog.Unpatched(ctx)
		if err != nil || len(due) == 0 {
			return err
		}
		next := due[len(due)-1] // the newest is about to be distributed
		var made catalog.Patches
		older, err := p.version(ctx, content.Ref{Name: next.Name, Version: next.Before})
		if err == nil {
			made.Base = older.ID
			made.Object, err = p.make(ctx, older, content.Ref{Name: next.Name, Version: next.Version})
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			p.log.Warn("a version has no patches", "content", next.Name, "version", next.Version, "err", err)
		}
		if err := p.catalog.PutPatches(ctx, next.Serial, made); err != nil {
			return err
		}
		p.changed()
	}
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
	head, id, err := content.ReadHead(v.Head)
	if err != nil {
		return out, fmt.Errorf("read %s: %w", ref, err)
	}
	encoded, err := blob.Read(ctx, p.objects, v.Body, content.MaxBodyBytes)
	if err != nil {
		return out, fmt.Errorf("read %s: %w", ref, err)
	}
	out.ID = id
	if out.Body, err = head.OpenBody(encoded); err != nil {
		return out, fmt.Errorf("read %s: %w", ref, err)
	}
	if out.Placement, err = catalog.DecodePlacement(v.Placement); err == nil && len(out.Placement.Chunks) != len(out.Body.Chunks) {
		err = errors.New("its placement is of another version")
	}
	if err != nil {
		return out, fmt.Errorf("read %s: %w", ref, err)
	}
	return out, nil
}
