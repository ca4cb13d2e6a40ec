package engine

import (
	"context"
	"math"
)

// Uploads keeps what goes to peers out of the way of others on the LAN.
type Uploads interface {
	// Join paces what goes to a peer over l, until it leaves.
	Join(l Link) Pacer
}

// Pacer holds one link's uploads to what the LAN has room for.
type Pacer interface {
	// Piece is how many bytes should go at once at most.
	Piece() int
	// Begin waits until n bytes may go. Done follows once they went.
	Begin(ctx context.Context, n int) error
	Done()
	Leave()
}

// unpaced lets everything go.
type unpaced struct{}

func (unpaced) Piece() int                       { return math.MaxInt }
func (unpaced) Begin(context.Context, int) error { return nil }
func (unpaced) Done()                            {}
func (unpaced) Leave()                           {}

// paced joins a link to the uploads that are governed.
func (e *Engine) paced(l Link) Pacer {
	if e.cfg.Uploads == nil {
		return unpaced{}
	}
	return e.cfg.Uploads.Join(l)
}
