package catalogtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
)

// together are tests of changes that are kept together.
var together = map[string]func(*testing.T, catalog.Catalog){
	"changes are kept together":                keptTogether,
	"or not at all":                            undoneTogether,
	"one that fails undoes itself alone":       oneFailsAlone,
	"a panic undoes all":                       panicUndoes,
	"what is made together nobody else sees":   unseenUntilKept,
	"afterwards the context is one like any":   contextAfterwards,
	"others wait until all is kept":            othersWait,
	"units that change nothing hold up nobody": nothingHoldsNobody,
	"what is kept apart stays":                 apartStays,
	"but belongs to what was changed before":   apartAfterChange,
}

var errNo = errors.New("no")

// sitesThere are the sites there are.
func sitesThere(t *testing.T, ctx context.Context, c catalog.Catalog) (names string) {
	t.Helper()
	sites, err := c.Sites(ctx, "", 0)
	must(t, err)
	for _, s := range sites {
		names += s.Name + " "
	}
	return names
}

func create(ctx context.Context, c catalog.Catalog, name string) error {
	return c.CreateSite(ctx, who, catalog.Site{Name: name, Cap: catalog.NoCap})
}

func keptTogether(t *testing.T, c catalog.Catalog) {
	must(t, c.Together(t.Context(), func(ctx context.Context) error {
		return errors.Join(create(ctx, c, "a"), create(ctx, c, "b"), c.KeepAnswer(ctx, catalog.Answer{ID: "k", Digest: "d", Created: time.Now()}))
	}))
	_, err := c.Answer(t.Context(), "k")
	if got := sitesThere(t, t.Context(), c); got != "a b " || err != nil {
		t.Errorf("there are sites %s (answer: %v)", got, err)
	}
	if entries, err := c.Audit(t.Context(), 0, 0); len(entries) != 2 || err != nil {
		t.Errorf("the audit log has %+v (%v)", entries, err)
	}
}

func undoneTogether(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "a")
	err := c.Together(t.Context(), func(ctx context.Context) error {
		must(t, create(ctx, c, "b"))
		if got := sitesThere(t, ctx, c); got != "a b " {
			t.Errorf("who created b sees sites %s", got)
		}
		return errNo
	})
	wantErr(t, "a unit that fails", err, errNo)
	if got := sitesThere(t, t.Context(), c); got != "a " {
		t.Errorf("there are sites %s", got)
	}
	if _, err := catalog.VerifyAudit(func(before int64) ([]catalog.Entry, error) { return c.Audit(t.Context(), before, 0) }); err != nil {
		t.Error(err)
	}
	must(t, create(t.Context(), c, "b"))
}

func oneFailsAlone(t *testing.T, c catalog.Catalog) {
	must(t, c.Together(t.Context(), func(ctx context.Context) error {
		must(t, create(ctx, c, "a"))
		wantErr(t, "the same again", create(ctx, c, "a"), catalog.ErrConflict)
		return create(ctx, c, "b")
	}))
	if got := sitesThere(t, t.Context(), c); got != "a b " {
		t.Errorf("there are sites %s", got)
	}
}

func panicUndoes(t *testing.T, c catalog.Catalog) {
	func() {
		defer func() { _ = recover() }()
		_ = c.Together(t.Context(), func(ctx context.Context) error {
			must(t, create(ctx, c, "a"))
			panic("at the disco")
		})
	}()
	if got := sitesThere(t, t.Context(), c); got != "" {
		t.Errorf("there are sites %s", got)
	}
	createSites(t, c, "b") // nothing is held up
}

func unseenUntilKept(t *testing.T, c catalog.Catalog) {
	must(t, c.Together(t.Context(), func(ctx context.Context) error {
		must(t, create(ctx, c, "a"))
		if got := sitesThere(t, t.Context(), c); got != "" {
			t.Errorf("others see sites %s", got)
		}
		return nil
	}))
}

func contextAfterwards(t *testing.T, c catalog.Catalog) {
	var after context.Context
	must(t, c.Together(t.Context(), func(ctx context.Context) error {
		after = ctx
		return create(ctx, c, "a")
	}))
	must(t, create(after, c, "b"))
	if got := sitesThere(t, after, c); got != "a b " {
		t.Errorf("there are sites %s", got)
	}
}

func othersWait(t *testing.T, c catalog.Catalog) {
	done := make(chan error, 1)
	must(t, c.Together(t.Context(), func(ctx context.Context) error {
		must(t, create(ctx, c, "a"))
		go func() { done <- create(t.Context(), c, "b") }()
		hurried, stop := context.WithCancel(t.Context())
		stop()
		wantErr(t, "who won't wait", create(hurried, c, "c"), context.Canceled)
		return create(ctx, c, "d")
	}))
	must(t, <-done)
	if got := sitesThere(t, t.Context(), c); got != "a b d " {
		t.Errorf("there are sites %s", got)
	}
}

func nothingHoldsNobody(t *testing.T, c catalog.Catalog) {
	must(t, c.Together(t.Context(), func(ctx context.Context) error {
		if got := sitesThere(t, ctx, c); got != "" {
			t.Errorf("there are sites %s", got)
		}
		return create(t.Context(), c, "a") // as somebody else
	}))
}

func apartStays(t *testing.T, c catalog.Catalog) {
	err := c.Together(t.Context(), func(ctx context.Context) error {
		must(t, create(catalog.Apart(ctx), c, "a"))
		createSites(t, c, "b") // nobody is held up
		if got := sitesThere(t, ctx, c); got != "a b " {
			t.Errorf("there are sites %s", got)
		}
		must(t, create(ctx, c, "c"))
		return errNo
	})
	wantErr(t, "a unit that fails", err, errNo)
	if got := sitesThere(t, t.Context(), c); got != "a b " {
		t.Errorf("there are sites %s", got)
	}
}

func apartAfterChange(t *testing.T, c catalog.Catalog) {
	err := c.Together(t.Context(), func(ctx context.Context) error {
		must(t, create(ctx, c, "a"))
		must(t, create(catalog.Apart(ctx), c, "b"))
		return errNo
	})
	wantErr(t, "a unit that fails", err, errNo)
	if got := sitesThere(t, t.Context(), c); got != "" {
		t.Errorf("there are sites %s", got)
	}
}
