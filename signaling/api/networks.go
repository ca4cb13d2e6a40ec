package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/sitecast/sitecast/signaling/evidence"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

// Places knows where endpoints are that enrolled and are online.
type Places interface {
	// Changed says that the map of networks is another. It does not block.
	Changed()
	Standing(id wire.EndpointID) (evidence.Standing, bool)
	Standings() []evidence.Standing
	// Expel ends the session of an endpoint that was revoked, wherever it is.
	Expel(id wire.EndpointID, why string)
	// PlaceAnew ends the session of an endpoint, which is placed again as it comes back.
	PlaceAnew(id wire.EndpointID, why string)
}

// NetworkChange is what became of the map of networks, or would.
type NetworkChange struct {
	Added   []catalog.Network `json:"added"`
	Removed []catalog.Network `json:"removed"`
	Moves   []evidence.Move   `json:"moves" doc:"endpoints online that are elsewhere by the new map; to nowhere is quarantine"`
	DryRun  bool              `json:"dry_run,omitempty" doc:"nothing was changed"`
}

// networkQuery names a network of the map.
type networkQuery struct {
	CIDR   string `query:"cidr" required:"true" maxLength:"64" doc:"as 10.12.0.0/16, or an address"`
	Site   string `query:"site" required:"true" maxLength:"128"`
	Kind   string `query:"kind" enum:"lan,egress" default:"lan" doc:"lan: endpoints have addresses in it; egress: the server sees them under it"`
	DryRun bool   `query:"dry_run" doc:"say what would change, and change nothing"`
}

func (q networkQuery) network() (catalog.Network, error) {
	n, err := catalog.Network{CIDR: q.CIDR, Site: q.Site, Kind: q.Kind}.Normal()
	if err != nil {
		return n, bad(err.Error(), "networks are written as 10.12.0.0/16")
	}
	return n, nil
}

// networks are the routes of the map by which endpoints are matched with sites.
func (s *server) networks() {
	register(s, operation("GET", "/networks", "list-networks", "List the map of networks", catalog.RoleViewer),
		func(ctx context.Context, in *struct{ PageAfter }) (*listed[catalog.Network], error) {
			list, err := s.Catalog.Networks(ctx)
			return pageOf(ctx, list, in.PageAfter, networkKey), err
		})
	register(s, operation("GET", "/networks/export", "export-networks", "Export the map of networks as CSV", catalog.RoleViewer),
		func(ctx context.Context, _ *struct{}) (*csvReply, error) {
			list, err := s.Catalog.Networks(ctx)
			return &csvReply{"text/csv; charset=utf-8", `attachment; filename="networks.csv"`, evidence.WriteCSV(list)}, err
		})
	register(s, operation("PUT", "/networks", "set-network", "Say at which site a network is", catalog.RoleOperator),
		func(ctx context.Context, in *networkQuery) (*reply[NetworkChange], error) {
			n, err := in.network()
			if err != nil {
				return nil, err
			}
			return s.changeNetworks(ctx, nil, []catalog.Network{n}, in.DryRun)
		})
	register(s, operation("DELETE", "/networks", "remove-network", "Take a network off the map", catalog.RoleOperator),
		func(ctx context.Context, in *networkQuery) (*reply[NetworkChange], error) {
			n, err := in.network()
			if err != nil {
				return nil, err
			}
			return s.changeNetworks(ctx, []catalog.Network{n}, nil, in.DryRun)
		})
	read := operation("POST", "/networks/import", "import-networks", "Import networks from CSV, all of them or none", catalog.RoleOperator)
	read.MaxBodyBytes = evidence.MaxCSVBytes
	register(s, read, func(ctx context.Context, in *struct {
		Replace bool   `query:"replace" doc:"take off the map what is not in the file"`
		DryRun  bool   `query:"dry_run" doc:"say what would change, and change nothing"`
		RawBody []byte `contentType:"text/csv"`
	}) (*reply[NetworkChange], error) {
		return s.importNetworks(ctx, in.RawBody, in.Replace, in.DryRun)
	})
	register(s, operation("GET", "/quarantine", "list-quarantine", "List the networks whose endpoints are in quarantine, and what to do", catalog.RoleViewer),
		func(context.Context, *struct{}) (*reply[[]evidence.Quarantined], error) {
			return &reply[[]evidence.Quarantined]{evidence.Quarantine(s.standings())}, nil
		})
}

// csvReply is an answer that is a file.
type csvReply struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

// importNetworks reads a file, and tells of every bad line before anything is changed.
func (s *server) importNetworks(ctx context.Context, text []byte, replace, dry bool) (*reply[NetworkChange], error) {
	const hint = "correct the lines and import the file again; --dry-run says what would change"
	lines, err := evidence.ReadCSV(text)
	if err != nil {
		return nil, bad(err.Error(), hint)
	}
	have, err := s.Catalog.Networks(ctx)
	if err != nil {
		return nil, err
	}
	var add, remove []catalog.Network
	at := map[catalog.Network]int{}
	for _, l := range lines {
		if _, twice := at[l.Network]; !twice {
			at[l.Network] = l.Line
			add = append(add, l.Network)
		}
	}
	if replace {
		for _, n := range have {
			if _, stays := at[n]; !stays {
				remove = append(remove, n)
			}
		}
	}
	_, wrong := catalog.MergeNetworks(have, remove, add)
	unknown, err := s.unknownSites(ctx, add)
	if err != nil {
		return nil, err
	}
	var badLines evidence.BadLines
	for _, w := range append(wrong, unknown...) {
		badLines = append(badLines, evidence.BadLine{Line: at[w.Network], Err: w.Err})
	}
	if badLines != nil {
		return nil, bad(badLines.Error(), hint)
	}
	return s.changeNetworks(ctx, remove, add, dry)
}

// unknownSites lists networks of sites that nobody created.
func (s *server) unknownSites(ctx context.Context, networks []catalog.Network) (wrong []*catalog.NetworkError, err error) {
	known := map[string]bool{}
	for _, n := range networks {
		is, asked := known[n.Site]
		if !asked {
			_, err := s.Catalog.Site(ctx, n.Site)
			if err != nil && !errors.Is(err, catalog.ErrNotFound) {
				return nil, err
			}
			is = err == nil
			known[n.Site] = is
		}
		if !is {
			wrong = append(wrong, &catalog.NetworkError{Network: n, Err: fmt.Errorf("site %s: %w", n.Site, catalog.ErrNotFound)})
		}
	}
	return wrong, nil
}

// changeNetworks changes the map, or says what would become of it.
func (s *server) changeNetworks(ctx context.Context, remove, add []catalog.Network, dry bool) (*reply[NetworkChange], error) {
	have, err := s.Catalog.Networks(ctx)
	if err != nil {
		return nil, err
	}
	merged, wrong := catalog.MergeNetworks(have, remove, add)
	unknown, err := s.unknownSites(ctx, add)
	if err != nil {
		return nil, err
	}
	if wrong = append(wrong, unknown...); wrong != nil {
		return nil, wrongNetwork(wrong)
	}
	if !dry {
		if merged, err = s.Catalog.ChangeNetworks(ctx, actor(ctx), remove, add); err != nil {
			return nil, err
		}
	}
	out := NetworkChange{Added: added(have, merged), Removed: added(merged, have), Moves: []evidence.Move{}, DryRun: dry}
	if s.Places == nil {
		return &reply[NetworkChange]{out}, nil
	}
	by, err := evidence.NewMap(merged)
	if err != nil {
		return nil, err
	}
	if out.Moves = by.Moves(s.Places.Standings()); !dry {
		s.Places.Changed()
	}
	return &reply[NetworkChange]{out}, nil
}

// wrongNetwork makes a problem of networks that can't be changed.
func wrongNetwork(wrong []*catalog.NetworkError) error {
	p := &Problem{Status: http.StatusNotFound, Code: "not_found", Detail: catalog.WrongNetworks(wrong).Error(),
		Hint: "sitecast network list and sitecast site list show what there is"}
	if errors.Is(wrong[0], catalog.ErrConflict) {
		p.Status, p.Code = http.StatusConflict, "conflict"
		p.Hint = "take it off the map there first (sitecast network remove); an address that several sites are seen under tells nothing: leave it out"
	}
	return p
}

// added are the networks of all that are not among some.
func added(some, all []catalog.Network) []catalog.Network {
	among := make(map[catalog.Network]bool, len(some))
	for _, n := range some {
		among[n] = true
	}
	out := []catalog.Network{}
	for _, n := range all {
		if !among[n] {
			out = append(out, n)
		}
	}
	return out
}

// mapChanged says that a site came with ranges of its own.
func (s *server) mapChanged() {
	if s.Places != nil {
		s.Places.Changed()
	}
}

func (s *server) standing(id wire.EndpointID) (at evidence.Standing, online bool) {
	if s.Places == nil {
		return at, false
	}
	return s.Places.Standing(id)
}

func (s *server) standings() []evidence.Standing {
	if s.Places == nil {
		return nil
	}
	return s.Places.Standings()
}

// stand completes what is shown of an endpoint by where it is, and why. It reports false
// where that is not what is asked for: only those at the named site, or at any (name is
// empty), and those who enrolled there and are nowhere.
func (s *server) stand(v *site.EndpointView, name string) bool {
	at, online := s.standing(v.ID)
	if !online {
		return true
	}
	v.Enrolled, v.Roaming, v.Evidence = at.Enrolled, at.Roaming, at.Detail
	if v.Online {
		return true
	}
	v.Site, v.Online, v.Since = at.Site, true, at.Since // in quarantine, or about to join its site
	if v.Quarantined = at.Site == ""; at.Public.IsValid() {
		v.Address = at.Public.String()
	}
	return name == "" || v.Quarantined || v.Site == name
}
