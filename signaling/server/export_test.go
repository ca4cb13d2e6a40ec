package server

import (
	"log/slog"

	"github.com/sitecast/sitecast/signaling/site"
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
