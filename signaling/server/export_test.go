package server

import (
	"context"
	"log/slog"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/catalog"
)

// Times and limits that tests wait for.
const (
	ReloadEvery  = reloadEvery
	ShutdownTime = shutdownTime
	SeenInterval = seenInterval
)

// NewMemory keeps what sites learned; the channel that Run takes says that no site
// runs any more.
var NewMemory = newMemory

// Run is for tests of the memory by itself.
func (m *memory) Run(ended <-chan struct{}) { m.run(ended) }

// NewSource is what tells sites what is wanted, without patches.
func NewSource(c catalog.Catalog) site.Source {
	return newSource(c, nil, slog.New(slog.DiscardHandler))
}

// NewPatcher makes patches; Run and Published are for tests of it by itself.
var NewPatcher = newPatcher

func (p *patcher) Run(ctx context.Context) error { return p.run(ctx) }
func (p *patcher) Published()                    { p.published() }

// NewPatchedSource is what tells sites what is wanted, with patches.
func NewPatchedSource(c catalog.Catalog, objects blob.Store, log *slog.Logger) site.Source {
	return newSource(c, objects, log)
}
