package server

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/socket"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

// authenticate checks the token with which an endpoint opens its socket, and that it
// comes from a page of the origin that the token is for. Who enrolled is no page, and
// names no origin.
func (s *Server) authenticate(r *http.Request) (socket.Identity, error) {
	who, err := s.keys.Identify(socket.Bearer(r), credential.AudienceSignaling, time.Now())
	if err != nil {
		return socket.Identity{}, err
	}
	origin := ""
	if who.Visit != nil {
		origin = who.Visit.Origin
	}
	if got := r.Header.Get("Origin"); got != origin {
		return socket.Identity{}, fmt.Errorf("%w: it is for %q, and comes from %.80q", socket.ErrOrigin, origin, got)
	}
	if who.Visit == nil {
		if err := s.believed(r.Context(), who.Endpoint); err != nil {
			return socket.Identity{}, err
		}
	}
	return socket.Identity{ID: who.Endpoint, Site: who.Site, Expires: who.Expires, Visit: who.Visit}, nil
}

// renew issues an endpoint's next token. An endpoint that was removed or moved to
// another site meanwhile gets none, and has to open a new socket; neither does a browser
// whose browser token has ended.
func (s *Server) renew(ctx context.Context, who socket.Identity) (wire.Renew, error) {
	token, expires, err := s.reissue(ctx, who)
	if err != nil {
		return wire.Renew{}, err
	}
	servers, err := s.iceAt(ctx, who)
	return wire.Renew{Token: token, Expires: expires, ICE: servers}, err
}

func (s *Server) reissue(ctx context.Context, who socket.Identity) (token string, expires time.Time, err error) {
	if who.Visit != nil {
		return s.keys.IssueVisitor(who.ID, who.Site, *who.Visit, time.Now())
	}
	ep, err := s.catalog.Endpoint(ctx, string(who.ID))
	switch {
	case err != nil:
		return "", expires, err
	case ep.Site != who.Enrolled:
		return "", expires, credential.ErrToken
	}
	if err := s.believed(ctx, who.ID); err != nil {
		return "", expires, err
	}
	return s.keys.Issue(who.ID, ep.Site, credential.AudienceSignaling, time.Now())
}

// iceAt is ice for who was placed. Who is in quarantine meets nobody.
func (s *Server) iceAt(ctx context.Context, who socket.Identity) ([]wire.ICE, error) {
	if who.Site == "" {
		return nil, nil
	}
	return s.ice(ctx, who.ID, who.Site)
}

// ice names the STUN and TURN servers, with credentials for the endpoint: the relay at
// its site, if there is one, and the embedded one.
func (s *Server) ice(ctx context.Context, id wire.EndpointID, name string) (servers []wire.ICE, err error) {
	now := time.Now()
	at, err := s.catalog.Site(ctx, name)
	if err != nil {
		return nil, err
	}
	if at.Relay != "" {
		scheme, where := catalog.SiteRelay{Address: at.Relay}.Reached()
		near := wire.ICE{URLs: turnURLs(where, scheme), Place: wire.PlaceSite}
		near.Username, near.Credential = credential.TURN(at.RelaySecret, id, name, now)
		servers = append(servers, near)
	}
	if s.relay == nil {
		return servers, nil
	}
	tcp := ""
	if len(s.cfg.Relay.Listeners) > 0 {
		tcp = "turns"
	}
	central := wire.ICE{URLs: turnURLs(s.cfg.RelayAddrs, tcp)}
	central.Username, central.Credential = credential.TURN(s.keys.TURNSecret(), id, name, now)
	var stun wire.ICE
	for _, where := range s.cfg.RelayAddrs {
		stun.URLs = append(stun.URLs, "stun:"+where)
	}
	return append(servers, stun, central), nil
}

// turnURLs name a relay that is reached at some addresses: over UDP, and over TCP for those
// whose network lets nothing else pass. The scheme turns is TLS, as some let only that
// pass; none is no TCP.
func turnURLs(at []string, tcp string) (urls []string) {
	for _, where := range at {
		urls = append(urls, "turn:"+where+"?transport=udp")
		if tcp != "" {
			urls = append(urls, tcp+":"+where+"?transport=tcp")
		}
	}
	return urls
}

// The server hears sessions and passes them to the site's loop.

// Joined implements socket.Handler.
func (s *Server) Joined(session *socket.Session) {
	s.noteNow(session)
	s.reports.note(s.socket.Sessions())
	if !s.places.joined(session) {
		return
	}
	if owner := s.owner(session); owner != nil {
		member := site.Member{ID: session.ID, Hello: session.Hello, Address: session.Remote.String()}
		if session.Visit != nil {
			member.Contents = session.Visit.Contents
		}
		owner.Send(site.Joined{Conn: session, Member: member})
	}
}

// owner is the loop of the site where a session's endpoint is; nil in quarantine, and
// while the server ends.
func (s *Server) owner(session *socket.Session) *site.Site {
	if session.Site == "" {
		return nil
	}
	return s.hub.Site(session.Site)
}

// Heard implements socket.Handler.
func (s *Server) Heard(session *socket.Session, _ wire.Kind, body any) {
	if p, ok := body.(*wire.Pace); ok { // the origin's, whatever the site
		s.pacer.Set(p)
		return
	}
	if owner := s.owner(session); owner != nil {
		owner.Send(site.Heard{ID: session.ID, Conn: session, Body: body})
	}
}

// Left implements socket.Handler.
func (s *Server) Left(session *socket.Session, _ string) {
	s.noteNow(session)
	s.reports.note(s.socket.Sessions())
	elsewhere := s.places.left(session)
	if owner := s.owner(session); owner != nil {
		owner.Send(site.Left{ID: session.ID, Conn: session, Elsewhere: elsewhere})
	}
}

// seen collects when endpoints were online, to be written now and then.
type seen struct {
	mu sync.Mutex
	at map[string]time.Time
}

func (s *seen) note(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at == nil {
		s.at = map[string]time.Time{}
	}
	s.at[id] = time.Now()
}

func (s *seen) take() map[string]time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.at
	s.at = nil
	return at
}

// noteNow notes that an endpoint is online. Of browsers nothing is kept.
func (s *Server) noteNow(session *socket.Session) {
	if session.Visit == nil {
		s.seen.note(string(session.ID))
	}
}

// noteSeen writes who was seen once a minute, and at the end.
func (s *Server) noteSeen(ctx context.Context) error {
	ticker := time.NewTicker(seenInterval)
	defer ticker.Stop()
	for {
		ended := false
		select {
		case <-ctx.Done():
			ended = true
		case <-ticker.C:
		}
		if at := s.seen.take(); len(at) > 0 {
			if err := s.catalog.Seen(context.WithoutCancel(ctx), at); err != nil {
				s.log.Warn("noting endpoints seen", "err", err)
			}
		}
		if ended {
			return nil
		}
	}
}
