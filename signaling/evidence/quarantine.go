package evidence

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// Standing is an endpoint that is online, and where it is.
type Standing struct {
	ID    wire.EndpointID
	Name  string
	Since time.Time // it came online
	Seen
	Verdict
}

// Quarantined is a network whose endpoints are in quarantine: no site is certain to be
// theirs, so they get nothing and meet nobody.
type Quarantined struct {
	Public    string    `json:"public,omitempty"`    // under which the server sees them
	Networks  []string  `json:"networks"`            // that they have addresses in
	Tunnelled bool      `json:"tunnelled,omitempty"` // their way to the server is a tunnel
	Reason    Reason    `json:"reason" enum:"unknown_network,conflict,elsewhere"`
	Detail    string    `json:"detail"`
	Settle    []string  `json:"settle"` // what to do: commands, or a hint
	Endpoints int       `json:"endpoints"`
	Names     []string  `json:"names"` // of the first of them
	Since     time.Time `json:"since"` // of the first
}

// MaxListed is how many endpoints of a network are named.
const MaxListed = 8

// Quarantine lists the networks of those in quarantine, the most endpoints first.
func Quarantine(all []Standing) []Quarantined {
	type key struct {
		public    netip.Prefix
		networks  string
		tunnelled bool
		detail    string
	}
	out := []Quarantined{}
	at := map[key]int{}
	all = slices.DeleteFunc(slices.Clone(all), func(s Standing) bool { return s.Site != "" }) // nearly all
	slices.SortFunc(all, func(a, b Standing) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID)) })
	for _, s := range all {
		k := key{Line(s.Public), list(s.Seen.Networks), s.Tunnelled, s.Detail}
		i, known := at[k]
		if !known {
			i = len(out)
			at[k] = i
			q := Quarantined{Networks: []string{}, Tunnelled: s.Tunnelled, Reason: s.Reason, Detail: s.Detail, Settle: s.Settle, Names: []string{}, Since: s.Since}
			if k.public.IsValid() {
				q.Public = k.public.String()
			}
			for _, n := range s.Seen.Networks {
				q.Networks = append(q.Networks, n.String())
			}
			out = append(out, q)
		}
		if out[i].Endpoints++; len(out[i].Names) < MaxListed {
			out[i].Names = append(out[i].Names, s.Name)
		}
	}
	slices.SortStableFunc(out, func(a, b Quarantined) int { return b.Endpoints - a.Endpoints })
	return out
}

// Move is an endpoint that would be at another site, or in quarantine, by another map.
type Move struct {
	ID     wire.EndpointID `json:"id"`
	Name   string          `json:"name"`
	From   string          `json:"from,omitempty"` // empty: quarantine
	To     string          `json:"to,omitempty"`   // likewise
	Detail string          `json:"detail"`
}

// Moves says who of those online would be elsewhere by this map, by name.
func (m *Map) Moves(all []Standing) []Move {
	out := []Move{}
	for _, s := range all {
		if v := m.Weigh(s.Seen); v.Site != s.Site {
			out = append(out, Move{ID: s.ID, Name: s.Name, From: s.Site, To: v.Site, Detail: v.Detail})
		}
	}
	slices.SortFunc(out, func(a, b Move) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return out
}
