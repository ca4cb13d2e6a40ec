package catalog

import (
	"context"
	"errors"
)

// ErrLocked means that another server has the catalog, so that this one can't change it.
var ErrLocked = errors.New("another server has it open: stop that one first")

// Holder holds the lock that makes a server the only one that writes.
type Holder interface {
	// Hold takes the lock again if it was lost: ErrLocked where another has it, and
	// ErrUnavailable where the database can't be reached. Who just changes something holds
	// it; then it waits, and returns the context's error if that ends first.
	Hold(ctx context.Context) error
}
