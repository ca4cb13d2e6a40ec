package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sitecast/sitecast/signaling/evidence"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// What endpoints can be listed by that is wrong with them.
const (
	standsQuarantined = "quarantined"
	standsRevoked     = "revoked"
	standsReported    = "reported"
	standsRestrained  = "restrained"
	standsUnhealthy   = "unhealthy"
)

// StandingQuery narrows a list of endpoints to those with something.
type StandingQuery struct {
	Standing string `query:"standing" enum:"quarantined,revoked,reported,restrained,unhealthy" doc:"what is not right: at no site, revoked, caught by peers, doing without something, or a kiosk whose version failed"`
	Version  string `query:"version" maxLength:"100" doc:"in the version of its software, in either case; known of those that are online"`
}

func (q StandingQuery) narrows() bool { return q.Standing != "" || q.Version != "" }

// fits reports whether an endpoint is as a list shall have them.
func (q StandingQuery) fits(e site.EndpointView) bool {
	if !strings.Contains(lower(e.Version), lower(q.Version)) {
		return false
	}
	switch q.Standing {
	case standsQuarantined:
		return e.Quarantined
	case standsRevoked:
		return e.Revoked != ""
	case standsReported:
		return len(e.ReportedBy) > 0
	case standsRestrained:
		return len(e.Restraints) > 0
	case standsUnhealthy:
		return e.Activation != nil && slices.Contains([]string{"rolled_back", "unhealthy"}, e.Activation.State)
	}
	return true
}

// ShownEndpoint is an endpoint with what is looked up for it alone.
type ShownEndpoint struct {
	site.EndpointView
	Held       []HeldVersion         `json:"held" doc:"the versions that it has all of, and how large they are"`
	Revocation *catalog.Revocation   `json:"revocation,omitempty" doc:"since when and why its key is believed no more"`
	Quarantine *evidence.Quarantined `json:"quarantine,omitempty" doc:"why it is at no site, and what would settle that"`
}

// HeldVersion is a version that an endpoint has all of.
type HeldVersion struct {
	Content string `json:"content"`
	Version string `json:"version"`
	Bytes   int64  `json:"bytes" doc:"of the version by itself; what it shares with others lies on the disk once"`
}

// shown is what is shown of one endpoint.
func (s *server) shown() {
	register(s, about(scopeQuery, operation("GET", "/endpoints/{id}", "show-endpoint", "Show an endpoint: one that enrolled, or a page that is online", catalog.RoleViewer)),
		func(ctx context.Context, in *struct {
			ID string `path:"id" maxLength:"255"`
		}) (*reply[ShownEndpoint], error) {
			out, err := s.showEndpoint(ctx, in.ID)
			return &reply[ShownEndpoint]{out}, err
		})
}

// showEndpoint is what is known of an endpoint. Nobody learns of one at a site that is not theirs.
func (s *server) showEndpoint(ctx context.Context, id string) (out ShownEndpoint, err error) {
	v, err := s.find(ctx, id)
	if err != nil {
		return out, err
	}
	if !asker(ctx).sees(cmp.Or(v.Site, v.Enrolled, quarantine)) {
		return out, fmt.Errorf("endpoint %.80q: %w", id, catalog.ErrNotFound)
	}
	out.EndpointView = v
	rev, err := s.Catalog.Revoked(ctx, id)
	switch {
	case err == nil:
		out.Revocation = &rev
	case !errors.Is(err, catalog.ErrNotFound):
		return out, err
	}
	if at, online := s.standing(wire.EndpointID(id)); online && at.Site == "" {
		out.Quarantine = &evidence.Quarantine([]evidence.Standing{at})[0]
	}
	out.Held, err = s.heldVersions(ctx, v.Holds)
	return out, err
}

// heldVersions says how large versions are that are written as NAME@V. One that was removed since has
// no size any more.
func (s *server) heldVersions(ctx context.Context, refs []string) ([]HeldVersion, error) {
	out := make([]HeldVersion, 0, len(refs))
	for _, text := range refs {
		name, version, _ := strings.Cut(text, "@")
		row := HeldVersion{Content: name, Version: version}
		v, err := s.Catalog.Version(ctx, name, version)
		switch {
		case err == nil:
			head, _, err := content.ReadHead(v.Head)
			if err != nil {
				return nil, err
			}
			row.Bytes = head.Bytes
		case !missing(err):
			return nil, err
		}
		out = append(out, row)
	}
	return out, nil
}
