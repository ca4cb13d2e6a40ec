package relational

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// fourEyesKey is the setting that says whether what reaches all sites needs approval.
const fourEyesKey = "four_eyes"

// FourEyes implements catalog.Catalog.
func (c *Catalog) FourEyes(ctx context.Context) (bool, error) {
	text, err := c.Meta(ctx, fourEyesKey)
	if errors.Is(err, catalog.ErrNotFound) {
		return false, nil
	}
	return text == "on", err
}

// SetFourEyes implements catalog.Catalog.
func (c *Catalog) SetFourEyes(ctx context.Context, by string, on bool) error {
	text := "off"
	if on {
		text = "on"
	}
	return c.change(ctx, by, "four eyes", "the organisation", text, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = $2`, fourEyesKey, text)
		return err
	})
}

// States of a proposal. One that was decided is kept, so that its number is never that
// of another.
const (
	proposalOpen     = "open"
	proposalApproved = "approved"
	proposalRejected = "rejected"
)

// proposal is what is proposed as it is kept: a distribution, which has a name and a version
// only where it is an activation. Releases that know no activations would take that for
// a distribution to no site.
type proposal struct {
	catalog.Distribution
	Activation *catalog.When `json:"activation,omitempty"`
}

// Propose implements catalog.Catalog.
func (c *Catalog) Propose(ctx context.Context, p catalog.Proposal) (id int64, err error) {
	ref := content.Ref{Name: p.Distribution.Name, Version: p.Distribution.Version}
	action, detail, when := "propose distribution", detailOf(p.Distribution), p.Distribution.When
	if p.Activation != nil {
		when = *p.Activation
		action, detail = "propose activation", "everywhere, "+when.String()
	}
	err = c.change(ctx, p.By, action, ref.String(), detail, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := serialOf(ctx, tx, ref); err != nil {
			return err
		}
		if err := newInstant(ctx, tx, ref.Name, ref.Version, when); err != nil {
			return err
		}
		var waiting int
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM proposals WHERE state = $1`, proposalOpen).Scan(&waiting); err != nil {
			return err
		}
		if waiting >= catalog.MaxProposals {
			return fmt.Errorf("%d proposals wait already: %w", waiting, catalog.ErrConflict)
		}
		what := proposal{p.Distribution, p.Activation}
		text, err := json.Marshal(what)
		if err != nil {
			return err
		}
		changed(ctx, nil, what)
		return tx.QueryRowContext(ctx, `INSERT INTO proposals (id, distribution, proposer, person, created, state)
			SELECT COALESCE(MAX(id), 0) + 1, $1, $2, $3, $4, $5 FROM proposals WHERE true RETURNING id`,
			string(text), p.By, p.Person, ms(time.Now()), proposalOpen).Scan(&id)
	})
	return id, err
}

// serialOf is that of a version which is published.
func serialOf(ctx context.Context, tx *sql.Tx, ref content.Ref) (serial uint64, err error) {
	err = tx.QueryRowContext(ctx, `SELECT serial FROM versions WHERE name = $1 AND version = $2 AND head <> ''`, ref.Name, ref.Version).Scan(&serial)
	return serial, found("version "+ref.String(), err)
}

func scanProposal(row interface{ Scan(...any) error }) (p catalog.Proposal, err error) {
	var text string
	var created int64
	if err := row.Scan(&p.ID, &text, &p.By, &p.Person, &created); err != nil {
		return p, err
	}
	var what proposal
	err = json.Unmarshal([]byte(text), &what)
	p.Created, p.Distribution, p.Activation = at(created), what.Distribution, what.Activation
	return p, err
}

const openProposals = `SELECT id, distribution, proposer, person, created FROM proposals WHERE state = 'open'`

// Proposals implements catalog.Catalog.
func (c *Catalog) Proposals(ctx context.Context) ([]catalog.Proposal, error) {
	return list(ctx, c.read, func(r *sql.Rows) (catalog.Proposal, error) { return scanProposal(r) }, openProposals+` ORDER BY id`)
}

// unproposed fails where somebody proposed to order a version.
func unproposed(ctx context.Context, tx *sql.Tx, ref content.Ref) error {
	open, err := list(ctx, tx, func(r *sql.Rows) (catalog.Proposal, error) { return scanProposal(r) }, openProposals)
	for _, p := range open {
		if p.Distribution.Name == ref.Name && p.Distribution.Version == ref.Version {
			return fmt.Errorf("proposal %d names it: %w", p.ID, catalog.ErrConflict)
		}
	}
	return err
}

// decide ends a proposal that waits.
func decide(ctx context.Context, tx *sql.Tx, id int64, state string) (catalog.Proposal, error) {
	p, err := scanProposal(tx.QueryRowContext(ctx, openProposals+` AND id = $1`, id))
	if err != nil {
		return p, found(fmt.Sprintf("a proposal %d that waits", id), err)
	}
	_, err = tx.ExecContext(ctx, `UPDATE proposals SET state = $1 WHERE id = $2`, state, id)
	return p, err
}

// Approve implements catalog.Catalog.
func (c *Catalog) Approve(ctx context.Context, by, person string, id int64, settle func(*catalog.Distribution) error) (generation uint64, err error) {
	err = c.changeWith(ctx, by, "approve", fmt.Sprintf("proposal %d", id), func(ctx context.Context, tx *sql.Tx) (string, error) {
		p, err := decide(ctx, tx, id, proposalApproved)
		if err != nil {
			return "", err
		}
		if p.Person == person {
			return "", fmt.Errorf("%s proposed it, and somebody else has to approve it: %w", person, catalog.ErrConflict)
		}
		if err := p.Check(time.Now()); err != nil {
			return "", fmt.Errorf("%w: %w", catalog.ErrConflict, err)
		}
		if p.Activation != nil {
			a := catalog.Activation{Name: p.Distribution.Name, Version: p.Distribution.Version, When: *p.Activation}
			generation, err = activate(ctx, tx, by, a, everywhere)
			return p.String(), err
		}
		if settle != nil && p.Distribution.Nowhere() {
			if err := settle(&p.Distribution); err != nil {
				return "", err
			}
		}
		generation, err = distribute(ctx, tx, p.Distribution)
		return p.String(), err
	})
	return generation, err
}

// Reject implements catalog.Catalog.
func (c *Catalog) Reject(ctx context.Context, by string, id int64) error {
	return c.changeWith(ctx, by, "reject", fmt.Sprintf("proposal %d", id), func(ctx context.Context, tx *sql.Tx) (string, error) {
		p, err := decide(ctx, tx, id, proposalRejected)
		changed(ctx, proposal{p.Distribution, p.Activation}, nil)
		return p.String(), err
	})
}
