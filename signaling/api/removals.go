package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// Removed is a version that was removed.
type Removed struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Retention says which versions are kept though nothing needs them.
type Retention struct {
	Keep           int   `json:"keep" minimum:"0" maximum:"10000" doc:"The newest of each content; 0: all."`
	YoungerSeconds int64 `json:"younger_seconds" minimum:"0" maximum:"316224000" doc:"And all that were published since then."`
}

// Occupancy is what lies at the origin, as was counted now and then.
type Occupancy struct {
	At       time.Time `json:"at,omitzero"` // zero: it was not counted yet
	Versions int       `json:"versions"`
	Packs    int       `json:"packs"`
	Bytes    int64     `json:"bytes"`       // of the chunks in packs, encoded
	Dead     int64     `json:"dead_bytes"`  // of chunks that no version names; they go with the last that is named of their pack
	Partly   int       `json:"partly_dead"` // packs with some of both
	Unused   int       `json:"unused"`      // objects that no version names, which are deleted a day later
}

// Kept is the rule of retention, and what there is.
type Kept struct {
	Retention
	Origin Occupancy `json:"origin"`
}

// removeTries bounds how often it is looked again what needs a version, as others give
// orders meanwhile.
const removeTries = 5

// hints of what needs a version say how to end it.
var needHints = map[string]string{
	catalog.NeedOrdered:  "distribute a newer version there, or end it with `sitecast purge NAME@V`",
	catalog.NeedCopies:   "have the site keep fewer copies: `sitecast site set NAME --replicas 0`",
	catalog.NeedPinned:   "end the pin with `sitecast unpin`",
	catalog.NeedPatches:  "publish another version: it has patches of its own",
	catalog.NeedProposed: "approve or reject the proposal first: `sitecast proposals` lists them",
	catalog.NeedFetched:  "try again when the pages have it",
}

func (s *server) removals() {
	register(s, operation("DELETE", "/versions/{name}/{version}", "remove-version", "Remove a version that nothing needs", catalog.RoleOperator),
		func(ctx context.Context, in *struct {
			Name    string `path:"name"`
			Version string `path:"version"`
		}) (*reply[Removed], error) {
			return s.remove(ctx, content.Ref{Name: in.Name, Version: in.Version})
		})
	register(s, operation("GET", "/retention", "show-retention", "Show which versions are kept, and what lies at the origin", catalog.RoleViewer),
		func(ctx context.Context, _ *struct{}) (*reply[Kept], error) {
			return s.retention(ctx)
		})
	register(s, operation("PUT", "/retention", "set-retention", "Say which versions are kept though nothing needs them", catalog.RoleAdmin),
		func(ctx context.Context, in *struct{ Body Retention }) (*reply[Kept], error) {
			rule := catalog.Retention{Keep: in.Body.Keep, Younger: time.Duration(in.Body.YoungerSeconds) * time.Second}
			if err := rule.Check(); err != nil {
				return nil, bad(err.Error(), "say --keep N, and --younger DURATION if those of that time shall stay as well")
			}
			if err := s.Catalog.SetRetention(ctx, actor(ctx), rule); err != nil {
				return nil, err
			}
			return s.retention(ctx)
		})
}

func (s *server) retention(ctx context.Context) (*reply[Kept], error) {
	rule, err := s.Catalog.Retention(ctx)
	kept := Kept{Retention: Retention{Keep: rule.Keep, YoungerSeconds: int64(rule.Younger / time.Second)}}
	if s.Occupancy != nil {
		kept.Origin = s.Occupancy()
	}
	return &reply[Kept]{kept}, err
}

// remove removes a version, or says what needs it. What sites are ordered may change
// meanwhile; then it is looked again.
func (s *server) remove(ctx context.Context, ref content.Ref) (*reply[Removed], error) {
	if _, err := s.Catalog.Version(ctx, ref.Name, ref.Version); err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		facts, err := catalog.Survey(ctx, s.Catalog)
		if err != nil {
			return nil, err
		}
		if s.Fetched != nil {
			if facts.Fetched, err = s.Fetched(ctx); err != nil {
				return nil, err
			}
		}
		if needs := catalog.Needed(facts, time.Now())(ref); len(needs) > 0 {
			p := &Problem{Status: http.StatusConflict, Code: needs[0].Code, Hint: needHints[needs[0].Code], Detail: "it is needed: " + needs[0].Why}
			for _, n := range needs[1:] {
				p.Detail += "; " + n.Why
			}
			return nil, p
		}
		err = s.Catalog.Remove(ctx, actor(ctx), ref, facts.Generation)
		if errors.Is(err, catalog.ErrConflict) && try < removeTries {
			continue
		}
		if err != nil {
			return nil, err
		}
		if s.Removed != nil {
			s.Removed(ref)
		}
		s.Hub.Changed("")
		return &reply[Removed]{Removed{ref.Name, ref.Version}}, nil
	}
}
