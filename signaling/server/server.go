// Package server puts the parts of a Sitecast server together: catalog, keys,
// certificates, origin, sites, sockets, API and relay. Its first start makes
// everything it needs in one folder.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/board"
	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/signaling/history"
	"github.com/sitecast/sitecast/signaling/lane"
	"github.com/sitecast/sitecast/signaling/listen"
	"github.com/sitecast/sitecast/signaling/oidc"
	"github.com/sitecast/sitecast/signaling/pace"
	"github.com/sitecast/sitecast/signaling/relay"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/socket"
	"github.com/sitecast/sitecast/signaling/tunnel"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/blob/partial"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/durable"
)

// Config is what a server is made of.
type Config struct {
	Data      string // folder for keys, certificates and, where it is in a file, the database
	Database  string // sqlite (also when empty), or the URL of one on PostgreSQL
	Packs     string // folder for the origin's objects, or a bucket, see [s3.ParseLocation]
	Listen    string // address of the API, signaling and origin
	PublicURL *url.URL
	// TLSCert and TLSKey are files; without them a private CA in Data makes the
	// certificate. Plain http is served too, on loopback only unless InsecureHTTP.
	TLSCert, TLSKey string
	InsecureHTTP    bool
	Fetchers        int           // at once in a site, see [site.Config]
	Reflectors      []string      // host:port that answer STUN, see [site.Config]
	Relay           *relay.Config // nil: no embedded STUN and TURN; Secret is filled in
	OIDC            *oidc.Config  // who else vouches for operators; Public is filled in; nil: nobody
	RelayAddrs      []string      // host:port as endpoints reach it, one for each of its addresses
	Limits          api.Limits    // of requests to the API
	PrivateVendors  bool          // vendors' files may be at addresses that are not public
	MetricsSites    int           // sites with metrics of their own: those with the most bytes
	History         int64         // most bytes in Data of what sites showed lately; 0: it is not kept
	DebugListen     string        // address for profiles of the process; empty: none
	Log             *slog.Logger

	// Catalog is open already, and New takes it over; nil: New opens it.
	Catalog catalog.Catalog

	// Listener replaces Listen, Objects Packs and Dial the host's network, for tests in fake
	// time.
	Listener net.Listener
	Objects  Objects
	Dial     func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Time-outs and limits of the HTTP side.
const (
	headerTimeout  = 10 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 32 << 10
	shutdownTime   = 5 * time.Second
	seenInterval   = time.Minute
	adminTokenFile = "admin.token"
)

// Server is a server that is ready to run.
type Server struct {
	// Set by New, then constant.
	cfg     Config
	log     *slog.Logger
	catalog catalog.Catalog
	keys    *credential.Keys
	objects Objects
	signer  blob.Signer // signs addresses at which others serve objects; nil: nobody does
	certs   *certificates
	hub     *site.Hub
	socket  *socket.Server
	tunnel  *tunnel.Server
	relay   *relay.Relay // nil without one
	http    *http.Server
	seen    seen
	listen  net.Listener
	debugAt net.Listener // for profiles; nil: none
	served  atomic.Int64 // object bytes
	refused wire.Refusals
	pacer   pace.Pacer
	memory  *memory
	ledger  *ledger
	meters  *meters
	census  census
	streams api.Streams
	places  *places
	patcher *patcher
	source  *source
	history *history.Recorder // nil without one
	account site.Accounts
	lines   site.Lines
	reports reports
	budget  site.Budget

	cleaner  *cleaner
	vendors  *vendors
	rollouts *rollouts
	parts    *partial.Parts // of uploads that were interrupted
}

// New opens or makes everything in cfg.Data and listens. Run must follow.
func New(ctx context.Context, cfg Config) (s *Server, err error) {
	s = &Server{cfg: cfg, log: cfg.Log}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.catalog = cfg.Catalog; s.catalog == nil {
		if s.catalog, err = openCatalog(ctx, cfg.Data, cfg.Database); err != nil {
			return s, err
		}
	}
	if err := slowly(s.catalog); err != nil {
		s.log.Warn("searches for a text read all endpoints", "err", err)
	}
	if s.objects, s.signer, err = openObjects(ctx, cfg); err != nil {
		return s, err
	}
	if s.parts, err = partial.Open(filepath.Join(cfg.Data, "uploads"), s.objects); err != nil {
		return s, err
	}
	if err := s.openKeys(ctx); err != nil {
		return s, err
	}
	if s.certs, err = openCertificates(cfg); err != nil {
		return s, err
	}
	if err := s.noteShared(ctx); err != nil {
		return s, err
	}
	if s.listen = cfg.Listener; s.listen == nil {
		if s.listen, err = net.Listen("tcp", cfg.Listen); err != nil {
			return s, fmt.Errorf("listen (is another server running? choose another --listen): %w", err)
		}
	}
	if cfg.DebugListen != "" {
		if s.debugAt, err = net.Listen("tcp", cfg.DebugListen); err != nil {
			return s, fmt.Errorf("--debug-listen: %w", err)
		}
	}
	if err := s.assemble(ctx); err != nil {
		return s, err
	}
	if cfg.Relay != nil { // the last, because it serves from now on
		config := *cfg.Relay
		config.Secret, config.Revoked = s.keys.TURNSecret(), s.source.revoked.user
		config.Listeners = slices.Clone(config.Listeners)
		for i, l := range config.Listeners {
			config.Listeners[i] = listen.New(l, s.certs.config(), true)
		}
		if s.relay, err = relay.New(config); err != nil {
			return s, err
		}
	}
	return s, nil
}

// close releases what New opened or was given.
func (s *Server) close() error {
	var errs []error
	if s.relay == nil && s.cfg.Relay != nil { // a relay closes them itself
		for _, conn := range s.cfg.Relay.Conns {
			errs = append(errs, conn.Close())
		}
		for _, l := range s.cfg.Relay.Listeners {
			errs = append(errs, l.Close())
		}
	}
	if s.listen != nil {
		if err := s.listen.Close(); !errors.Is(err, net.ErrClosed) { // Run has closed it
			errs = append(errs, err)
		}
	}
	if s.debugAt != nil {
		if err := s.debugAt.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if s.catalog != nil {
		errs = append(errs, s.catalog.Close())
	}
	if s.parts != nil {
		errs = append(errs, s.parts.Close())
	}
	if s.objects != nil {
		errs = append(errs, s.objects.Close())
	}
	return errors.Join(errs...)
}

// openKeys opens the keys; with fresh ones come the first trust document and the
// first administrator's token.
func (s *Server) openKeys(ctx context.Context) error {
	keys, fresh, err := credential.OpenKeys(s.cfg.Data)
	if err != nil {
		return err
	}
	s.keys = keys
	if fresh {
		s.log.Info("made the organisation's root key; keep a copy of it somewhere safe",
			"file", filepath.Join(s.cfg.Data, "root.key"))
	}
	if err := s.firstTrust(ctx); err != nil {
		return err
	}
	return s.adminToken(ctx)
}

// adminToken makes the first token, unless its file is there.
func (s *Server) adminToken(ctx context.Context) error {
	path := filepath.Join(s.cfg.Data, adminTokenFile)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if s.cfg.Catalog != nil { // it stood by, and the other server's folder has it
		if known, err := knownShared(ctx, s.catalog.Meta); len(known) > 0 || err != nil {
			return err
		}
	}
	secret, hash := credential.NewSecret()
	if err := s.catalog.PutToken(ctx, "first start", catalog.Token{Name: "admin", Hash: hash, Role: catalog.RoleAdmin, Created: time.Now()}); err != nil {
		return err
	}
	return durable.WriteFile(path, []byte(credential.APIToken(secret)+"\n"), 0o600)
}

// assemble makes the parts that stand on what New opened.
func (s *Server) assemble(ctx context.Context) error {
	epoch, err := s.nextEpoch(ctx)
	if err != nil {
		return err
	}
	s.patcher = newPatcher(s.catalog, s.objects, s.cfg.Data, s.log)
	src := newSource(s.catalog, s.objects, s.patcher.putOff, s.log)
	src.verdicts.root = s.keys.RootPublic
	s.source = src
	if _, err := src.revoked.read(ctx, s.catalog); err != nil {
		return err
	}
	grace := time.Duration(0)
	if epoch > 1 {
		grace = site.ReturnGrace
	}
	s.memory, s.ledger = newMemory(s.catalog, s.log), newLedger(s.catalog, s.log)
	if s.places, err = newPlaces(ctx, s.catalog, s.log); err != nil {
		return err
	}
	s.vendors = newVendors(s.catalog, s.objects, s.cfg)
	busy := lane.New()
	s.hub = site.NewHub(site.Config{Suspect: s.vendors.suspect, Epoch: epoch, Grace: grace, Fetchers: s.cfg.Fetchers, URL: s.objectURL, Reflectors: s.cfg.Reflectors,
		Memory: s.memory, Ledger: s.ledger, Accounts: &s.account, Lines: &s.lines, Budget: &s.budget, Refused: &s.refused, Dials: site.NewDials(), Reports: s.reports.get, Lane: busy, Log: s.log}, src)
	s.meters, s.census.board = newMeters(), board.New(s.hub)
	if s.history, err = newHistory(s.cfg, s.census.board); err != nil {
		return err
	}
	s.patcher.changed, s.patcher.forget = func() { s.hub.Changed("") }, src.forget
	s.patcher.running = func(ctx context.Context) ([]content.Ref, error) { return running(ctx, s.hub) }
	s.vendors.changed, s.vendors.running = s.patcher.changed, s.fetchedElsewhere
	s.rollouts = newRollouts(s.catalog, s.hub, func() { s.hub.Changed("") }, s.log)
	s.cleaner = newCleaner(s.catalog, s.objects, s.log)
	s.cleaner.running, s.cleaner.forget = s.patcher.running, src.forget
	s.socket = socket.New(socket.Config{Authenticate: s.authenticate, Renew: s.renew, Handler: s, Refused: &s.refused, Lane: busy, Log: s.log, Place: s.places.place,
		Welcome: func(ctx context.Context, who socket.Identity) (wire.Welcome, error) {
			servers, err := s.iceAt(ctx, who)
			return wire.Welcome{Epoch: epoch, ICE: servers}, err
		}})
	s.tunnel = tunnel.New(tunnel.Config{Addr: s.listen.Addr(), Authenticate: func(r *http.Request) (wire.EndpointID, error) {
		who, err := s.authenticate(r)
		return who.ID, err
	}})
	provider, err := s.provider()
	if err != nil {
		return err
	}
	s.http = &http.Server{
		Handler: api.New(api.Config{Catalog: s.catalog, Keys: s.keys, Objects: s.objects, Hub: s.hub, Places: s.places, Rollouts: s.rollouts, Socket: s.socket, Tunnel: s.tunnel,
			Metrics: s.metrics(), Board: s.census.board, History: s.history, Streams: &s.streams, Answered: s.meters.answered, Needs: s.needs(), Served: func(n int) { s.served.Add(int64(n)) }, Published: s.patcher.published, Resigned: src.forget, Vendor: s.vendors.verify, Pin: s.certs.Pin,
			Removed: src.forget, Fetched: s.patcher.running, Occupancy: s.cleaner.occupancy, Parts: s.parts,
			PublicURL: s.publicURL(), Pacer: &s.pacer, OIDC: provider, Refused: &s.refused, Limits: s.cfg.Limits, Log: s.log}),
		ConnContext:       s.pacer.Context,
		ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		// HTTP/1.1 only: several ranges on one HTTP/2 connection share one window.
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
	}
	return nil
}

// epochKey is the setting that counts the starts.
const epochKey = "epoch"

// nextEpoch counts the server's starts; leases of an earlier one are void.
func (s *Server) nextEpoch(ctx context.Context) (uint64, error) {
	epoch := uint64(0)
	text, err := s.catalog.Meta(ctx, epochKey)
	if err == nil {
		_, err = fmt.Sscan(text, &epoch)
	} else if errors.Is(err, catalog.ErrNotFound) {
		err = nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the epoch: %w", err)
	}
	return epoch + 1, s.catalog.SetMeta(ctx, epochKey, fmt.Sprint(epoch+1))
}

// Run serves until ctx ends, and returns when everything has stopped.
func (s *Server) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	ended := make(chan struct{}) // no site runs any more
	group.Go(func() error {
		defer close(ended)
		return s.hub.Run(ctx)
	})
	group.Go(func() error {
		s.memory.run(ended)
		return nil
	})
	group.Go(func() error {
		s.ledger.run(ended)
		return nil
	})
	group.Go(func() error {
		defer s.tunnel.Close()
		return s.socket.Run(ctx)
	})
	group.Go(func() error {
		inner := &http.Server{Handler: s.socket, ReadHeaderTimeout: headerTimeout, MaxHeaderBytes: maxHeaderBytes, ErrorLog: s.http.ErrorLog}
		_ = inner.Serve(s.tunnel) // until that is closed
		return nil
	})
	group.Go(func() error { return s.noteSeen(ctx) })
	if onPostgres(s.cfg.Database) { // a file's lock can't be lost
		group.Go(func() error { return s.keepHold(ctx) })
	}
	group.Go(func() error { return s.places.run(ctx) })
	group.Go(func() error { return s.patcher.run(ctx) })
	group.Go(func() error { return s.cleaner.run(ctx) })
	group.Go(func() error { return s.vendors.run(ctx) })
	if s.history != nil {
		group.Go(func() error { return s.history.Run(ctx) })
	}
	if s.debugAt != nil {
		group.Go(func() error { return s.debug(ctx) })
	}
	group.Go(func() error { return s.rollouts.run(ctx) })
	if s.relay != nil {
		group.Go(func() error { return s.relay.Run(ctx) })
	}
	group.Go(func() error {
		if err := s.http.Serve(listen.New(s.listen, s.certs.config(), s.cfg.InsecureHTTP)); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
		defer stop()
		if err := s.http.Shutdown(ctx); err != nil {
			return s.http.Close() // transfers that did not end in time
		}
		return nil
	})
	err := group.Wait()
	return errors.Join(err, s.close())
}

// Served is how many bytes of packs and bodies the server has served.
func (s *Server) Served() int64 { return s.served.Load() }

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.listen.Addr() }

// publicURL is where endpoints and browsers reach the server, as far as is known.
func (s *Server) publicURL() *url.URL {
	if s.cfg.PublicURL != nil {
		return s.cfg.PublicURL
	}
	return &url.URL{Scheme: "https", Host: reachable(s.Addr().String())}
}
