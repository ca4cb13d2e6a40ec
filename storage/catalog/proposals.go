package catalog

import (
	"context"
	"time"
)

// MaxProposals bounds the proposals that wait at a time.
const MaxProposals = 100

// Proposal is a distribution to all sites that waits for somebody else's approval.
type Proposal struct {
	ID           int64        `json:"id"`
	Distribution Distribution `json:"distribution"`
	By           string       `json:"by"`
	// Person is who is behind it: who made the token that proposed it, else By.
	Person  string    `json:"person"`
	Created time.Time `json:"created"`
}

// Proposals are for organisations in which four eyes look at what reaches all sites.
type Proposals interface {
	// FourEyes reports whether that is so; SetFourEyes begins and ends it.
	FourEyes(ctx context.Context) (bool, error)
	SetFourEyes(ctx context.Context, by string, on bool) error
	// Propose keeps a distribution until it is approved or rejected; ErrNotFound when its
	// version is not published, ErrConflict when too many wait. Proposals lists those that
	// wait, oldest first. Approve makes the distribution, and returns the new generation
	// of desired state; ErrConflict when person is who proposed it. Reject ends it. Both
	// fail with ErrNotFound when it does not wait any more.
	Propose(ctx context.Context, p Proposal) (id int64, err error)
	Proposals(ctx context.Context) ([]Proposal, error)
	Approve(ctx context.Context, by, person string, id int64) (generation uint64, err error)
	Reject(ctx context.Context, by string, id int64) error
}
