package api

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"
	"unicode"

	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// NewSite is what is needed to create a site.
type NewSite struct {
	Name  string   `json:"name"`
	CIDRs []string `json:"cidrs,omitempty" maxItems:"64"`
	TZ    string   `json:"tz,omitempty"`
}

// SiteChange changes a site; what is left out stays. CapBytesPerSecond of -1
// lifts the cap. HoldOffMs is how long new content waits for a peer that holds it
// before it is fetched over the WAN. Relay is the relay at the site; its zero value
// ends it. Replicas is how many copies the site keeps of each version that was
// distributed to it, also of superseded ones; 0 ends that.
type SiteChange struct {
	CapBytesPerSecond *int64    `json:"cap_bytes_per_second,omitempty" minimum:"-1" maximum:"9007199254740991"`
	HoldOffMs         *int64    `json:"hold_off_ms,omitempty" minimum:"0" maximum:"86400000"`
	Replicas          *int      `json:"replicas,omitempty" minimum:"0" maximum:"64"`
	Relay             *Relay    `json:"relay,omitempty"`
	PeersOn           *[]string `json:"peers_on,omitempty" maxItems:"64" doc:"networks that links between the site's endpoints may go over, as 10.12.0.0/16; empty for any"`
	TZ                *string   `json:"tz,omitempty" maxLength:"100" doc:"time zone by which the site's hours are read, as Europe/Paris; empty for UTC"`
}

// Relay is a relay at a site, and the secret shared with it.
type Relay struct {
	Address string `json:"address" doc:"turn:HOST:PORT, turns: where it speaks TLS, empty for none" maxLength:"300"`
	Secret  string `json:"secret,omitempty" maxLength:"512"`
}

// NewEnrolment is what is needed to make an enrolment token.
type NewEnrolment struct {
	Site       string `json:"site"`
	Uses       int    `json:"uses" minimum:"1" maximum:"100000"`
	TTLSeconds int64  `json:"ttl_seconds" minimum:"1" maximum:"31536000"`
	Roaming    bool   `json:"roaming,omitempty" doc:"endpoints are at the site where their networks say, and at none by themselves"`
}

// MadeEnrolment is a new enrolment token.
type MadeEnrolment struct {
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
}

type named struct {
	Name string `path:"name"`
}

func (s *server) sites() {
	register(s, about(scopeOrganisation, operation("POST", "/sites", "create-site", "Create a site", catalog.RoleAdmin)),
		func(ctx context.Context, in *struct{ Body NewSite }) (*reply[catalog.Site], error) {
			made := catalog.Site{Name: in.Body.Name, CIDRs: in.Body.CIDRs, TZ: in.Body.TZ, Cap: catalog.NoCap}
			if err := made.Check(); err != nil {
				return nil, bad(err.Error(), "names hold letters, digits, '.', '_' and '-'")
			}
			for _, cidr := range made.CIDRs {
				if _, err := netip.ParsePrefix(cidr); err != nil {
					return nil, bad(fmt.Sprintf("%.60q is not an address range", cidr), "ranges are written as 10.12.0.0/16")
				}
			}
			if err := s.Catalog.CreateSite(ctx, actor(ctx), made); err != nil {
				return nil, err
			}
			s.mapChanged()
			made, err := s.Catalog.Site(ctx, made.Name)
			return &reply[catalog.Site]{made}, err
		})
	register(s, about(scopePath, operation("GET", "/sites/{name}", "show-site", "Show a site", catalog.RoleViewer)),
		func(ctx context.Context, in *named) (*reply[catalog.Site], error) {
			found, err := s.Catalog.Site(ctx, in.Name)
			return &reply[catalog.Site]{found}, err
		})
	register(s, about(scopePath, operation("PATCH", "/sites/{name}", "change-site", "Change a site", catalog.RoleOperator)),
		func(ctx context.Context, in *struct {
			Name string `path:"name"`
			Body SiteChange
		}) (*reply[catalog.Site], error) {
			err := s.changeSite(ctx, in.Name, in.Body)
			s.Hub.Changed(in.Name) // also after what was set before something failed
			if err != nil {
				return nil, err
			}
			found, err := s.Catalog.Site(ctx, in.Name)
			return &reply[catalog.Site]{found}, err
		})
	register(s, about(scopeBody, operation("POST", "/enrolments", "create-enrolment", "Make an enrolment token", catalog.RoleAdmin)),
		func(ctx context.Context, in *struct{ Body NewEnrolment }) (*reply[MadeEnrolment], error) {
			secret, hash := credential.NewSecret()
			e := catalog.Enrolment{ID: newID(), Site: in.Body.Site, SecretHash: hash, Uses: in.Body.Uses, Roaming: in.Body.Roaming,
				Expires: time.Now().Add(time.Duration(in.Body.TTLSeconds) * time.Second)}
			if err := s.Catalog.CreateEnrolment(ctx, actor(ctx), e); err != nil {
				return nil, err
			}
			token := wire.EnrolToken{ID: e.ID, Secret: secret, Root: s.Keys.RootDigest(), Pin: s.Pin()}
			return &reply[MadeEnrolment]{MadeEnrolment{token.String(), e.Expires}}, nil
		})
}

// changeSite sets what a change names.
func (s *server) changeSite(ctx context.Context, name string, change SiteChange) error {
	if limit := change.CapBytesPerSecond; limit != nil {
		if err := s.Catalog.SetCap(ctx, actor(ctx), name, *limit); err != nil {
			return err
		}
	}
	if ms := change.HoldOffMs; ms != nil {
		if err := s.Catalog.SetHoldOff(ctx, actor(ctx), name, time.Duration(*ms)*time.Millisecond); err != nil {
			return err
		}
	}
	if copies := change.Replicas; copies != nil {
		if err := s.Catalog.SetReplicas(ctx, actor(ctx), name, *copies); err != nil {
			return err
		}
	}
	if on := change.PeersOn; on != nil {
		if err := catalog.CheckPeersOn(*on); err != nil {
			return bad(err.Error(), "networks are written as 10.12.0.0/16")
		}
		if err := s.Catalog.SetPeersOn(ctx, actor(ctx), name, *on); err != nil {
			return err
		}
	}
	if tz := change.TZ; tz != nil {
		if err := catalog.CheckZone(*tz); err != nil {
			return bad(err.Error(), "zones are written as Europe/Paris or America/New_York")
		}
		if err := s.Catalog.SetZone(ctx, actor(ctx), name, *tz); err != nil {
			return err
		}
	}
	if r := change.Relay; r != nil {
		relay := catalog.SiteRelay{Address: r.Address, Secret: []byte(r.Secret)}
		if err := relay.Check(); err != nil {
			return bad(err.Error(), "give an address such as turn:10.12.0.5:3478, and the secret that the relay was started with")
		}
		return s.Catalog.SetRelay(ctx, actor(ctx), name, relay)
	}
	return nil
}

// Endpoints may be of a later release than the server: what that adds to their
// requests is ignored, as on the socket.
type (
	enrolRequest struct {
		_ struct{} `additionalProperties:"true"`
		wire.EnrolRequest
	}
	sessionRequest struct {
		_ struct{} `additionalProperties:"true"`
		wire.SessionRequest
	}
)

// enrolment is what endpoints use to become and prove who they are.
func (s *server) enrolment() {
	register(s, operation("POST", "/enrol", "enrol", "Enrol an endpoint", ""),
		func(ctx context.Context, in *struct{ Body enrolRequest }) (*reply[wire.EnrolResponse], error) {
			return s.enrol(ctx, in.Body.EnrolRequest)
		})
	register(s, operation("POST", "/challenge", "challenge", "Get a nonce to sign", ""),
		func(context.Context, *struct{}) (*reply[wire.ChallengeResponse], error) {
			now := time.Now()
			return &reply[wire.ChallengeResponse]{wire.ChallengeResponse{Nonce: s.Keys.Challenge(now), ServerTime: now}}, nil
		})
	register(s, operation("POST", "/session", "session", "Trade a signed nonce for a token", ""),
		func(ctx context.Context, in *struct{ Body sessionRequest }) (*reply[wire.SessionResponse], error) {
			return s.session(ctx, in.Body.SessionRequest)
		})
}

func (s *server) enrol(ctx context.Context, req wire.EnrolRequest) (*reply[wire.EnrolResponse], error) {
	if len(req.Key) != ed25519.PublicKeySize || !ed25519.Verify(req.Key, wire.EnrolClaim(req.Token), req.Proof) {
		return nil, credential.ErrToken
	}
	if len(req.Name) > content.MaxNameBytes || len(req.Device) > content.MaxNameBytes {
		return nil, bad("name or device is too long", "")
	}
	if !printable(req.Name) || !printable(req.Device) {
		return nil, bad("name or device has characters that can't be printed", "")
	}
	now := time.Now()
	ep := catalog.Endpoint{ID: string(wire.IDOf(req.Key)), Key: req.Key, Name: req.Name, Device: req.Device}
	ep, err := s.Catalog.Enrol(ctx, req.Token, credential.Hash(req.Secret), ep, now)
	if err != nil {
		return nil, err
	}
	_, document, err := s.Catalog.Trust(ctx)
	if err != nil {
		return nil, err
	}
	return &reply[wire.EnrolResponse]{wire.EnrolResponse{Endpoint: wire.EndpointID(ep.ID), Site: ep.Site,
		Root: s.Keys.RootPublic, Trust: document, ServerTime: now}}, nil
}

// printable reports whether text can be shown on a terminal without moving its
// cursor or worse: endpoints name themselves, and operators read the names.
func printable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

func (s *server) session(ctx context.Context, req wire.SessionRequest) (*reply[wire.SessionResponse], error) {
	now := time.Now()
	if err := req.Endpoint.Check(); err != nil {
		return nil, bad(err.Error(), "")
	}
	ep, err := s.Catalog.Endpoint(ctx, string(req.Endpoint))
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, &Problem{Status: http.StatusUnauthorized, Code: "unknown_endpoint", Detail: "this endpoint is not enrolled here",
			Hint: "enrol it again with a new token"}
	}
	if err != nil {
		return nil, err
	}
	if err := s.Keys.Answered(req, ep.Key, now); err != nil {
		return nil, err
	}
	if err := s.turnAway(ctx, req.Endpoint); err != nil {
		return nil, err
	}
	token, expires, err := s.Keys.Issue(req.Endpoint, ep.Site, credential.AudienceSignaling, now)
	return &reply[wire.SessionResponse]{wire.SessionResponse{Token: token, Expires: expires, ServerTime: now}}, err
}
