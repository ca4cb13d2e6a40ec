package catalog

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sitecast/sitecast/storage/content"
)

// MaxProposals bounds the proposals that wait at a time.
const MaxProposals = 100

// Proposal is what reaches all sites, or may come to, and waits for somebody else's approval.
type Proposal struct {
	ID int64 `json:"id"`
	// Distribution is what shall be ordered. One that rolls another back and names no sites
	// goes to where that one is when it is approved.
	Distribution Distribution `json:"distribution"`
	// Activation, where there is one, is what shall be done in place of a distribution: from
	// when on its name and version is used, wherever it is distributed by then.
	Activation *When  `json:"activation,omitempty"`
	By         string `json:"by"`
	// Person is who is behind it: who made the token that proposed it, else By.
	Person  string    `json:"person"`
	Created time.Time `json:"created"`
}

// Nowhere reports whether a distribution says of no site that it goes there.
func (d Distribution) Nowhere() bool { return !d.All && d.Target == "" && len(d.Sites) == 0 }

// when says from when on what is proposed is used.
func (p Proposal) when() When {
	if p.Activation != nil {
		return *p.Activation
	}
	return p.Distribution.When
}

// Check reports why what is proposed can't be done any more, at now: a time of it has passed.
func (p Proposal) Check(now time.Time) error {
	if err := CheckReadyBy(p.Distribution.ReadyBy, now); err != nil {
		return err
	}
	if w := p.when(); w.Activate == ActivateAt {
		if err := CheckInstant(w.At, now); err != nil {
			return fmt.Errorf("activation: %w", err)
		}
	}
	return nil
}

// String says in words what is proposed.
func (p Proposal) String() string {
	ref := content.Ref{Name: p.Distribution.Name, Version: p.Distribution.Version}.String()
	d := p.Distribution
	switch {
	case p.Activation != nil && p.Activation.Activate == "":
		return "activate " + ref + " wherever it is"
	case p.Activation != nil:
		return "activate " + ref + " wherever it is, " + p.Activation.String()
	case d.Replaces > 0 && d.Nowhere():
		return fmt.Sprintf("distribute %s to where distribution %d went, which ends", ref, d.Replaces)
	}
	where := "all sites"
	switch {
	case d.Target != "":
		where = "the sites that " + d.Target + " means"
	case !d.All:
		where = strings.Join(d.Sites, ", ")
	}
	text := "distribute " + ref + " to " + where
	if d.Replaces > 0 {
		text += fmt.Sprintf("; distribution %d ends", d.Replaces)
	}
	if len(d.Rings) > 0 {
		text += fmt.Sprintf(" in %d rings", len(d.Rings))
	}
	if d.Activate != "" {
		text += ", " + d.When.String()
	}
	return text
}

// Proposals are for organisations in which four eyes look at what reaches all sites.
type Proposals interface {
	// FourEyes reports whether that is so; SetFourEyes begins and ends it.
	FourEyes(ctx context.Context) (bool, error)
	SetFourEyes(ctx context.Context, by string, on bool) error
	// Propose keeps a distribution or activation until it is approved or rejected;
	// ErrNotFound when its version is not published, ErrConflict when too many wait or its
	// instant is not newer than those that were signed before. Proposals lists those that
	// wait, oldest first. Approve does what was proposed, and returns the new generation
	// of desired state; ErrConflict when person is who proposed it, or its time has passed.
	// Before a distribution is made settle says where it goes that names no sites; nil:
	// nowhere. Its error comes back, and nothing changes. Reject ends a proposal. Both
	// fail with ErrNotFound when it does not wait any more.
	Propose(ctx context.Context, p Proposal) (id int64, err error)
	Proposals(ctx context.Context) ([]Proposal, error)
	Approve(ctx context.Context, by, person string, id int64, settle func(*Distribution) error) (generation uint64, err error)
	Reject(ctx context.Context, by string, id int64) error
}
