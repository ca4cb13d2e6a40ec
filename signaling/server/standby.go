package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/listen"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/catalog/postgres"
	"github.com/sitecast/sitecast/storage/catalog/sqlite"
)

// Two servers of one catalog: one serves, the other stands by. Which one it is, is said by
// the catalog's lock alone, so nothing has to be agreed on between them, and there is no
// moment at which both write. Who stands by answers that it does, to balancers and
// everybody else, until it has the lock.

const (
	// standbyPause is the wait before the lock is tried again; a try itself waits for it
	// for a second, so that it is had the moment it is free.
	standbyPause = 100 * time.Millisecond
	// holdEvery is how often a server looks whether it still has the lock.
	holdEvery = time.Second
	// holdTimeout bounds one look. It is long: one that is broken off costs the connection.
	holdTimeout = 10 * time.Second
)

// errSuperseded ends a server whose catalog another one took.
var errSuperseded = errors.New("another server took the catalog over, so this one ended: start it with --standby, and it waits for its turn")

// standby is a server that waits for the catalog.
type standby struct {
	cfg    Config
	reason atomic.Pointer[string] // why it does not serve
	logged string
	server *http.Server // nil: it does not answer yet
	done   chan struct{}
}

// standBy opens the catalog as soon as no other server has it, and answers that it stands by
// meanwhile.
func standBy(ctx context.Context, cfg Config) (kept catalog.Catalog, err error) {
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	s := &standby{cfg: cfg, done: make(chan struct{})}
	defer func() { err = errors.Join(err, s.end()) }()
	for {
		kept, err := openCatalog(ctx, cfg.Data, cfg.Database)
		if err == nil {
			if err := s.fits(ctx, kept.Meta); err != nil {
				return nil, errors.Join(err, kept.Close())
			}
			return kept, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		reason := "another server holds the catalog"
		switch {
		case errors.Is(err, catalog.ErrLocked):
			if err := s.look(ctx); err != nil {
				return nil, err
			}
		case errors.Is(err, catalog.ErrUnavailable) && s.server != nil:
			reason = "the database can't be reached"
		default:
			return nil, err
		}
		if err := s.answer(reason); err != nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(standbyPause):
		}
	}
}

// look checks that this server could serve the catalog if it had it.
func (s *standby) look(ctx context.Context) error {
	kept := Kept{Data: s.cfg.Data, Database: s.cfg.Database}
	state, err := kept.state(ctx)
	if err == nil {
		err = state.Newer()
	}
	if err == nil {
		err = s.fits(ctx, kept.meta)
	}
	if errors.Is(err, catalog.ErrUnavailable) {
		return nil // which is told when the lock is tried again
	}
	return err
}

// fits checks that the folder has what the server has that used the catalog last.
func (s *standby) fits(ctx context.Context, meta func(context.Context, string) (string, error)) error {
	known, err := knownShared(ctx, meta)
	if err != nil {
		return err
	}
	mine, err := sharedFiles(s.cfg)
	if err != nil {
		return err
	}
	if len(known) == 0 && slices.ContainsFunc(keyFiles, func(name string) bool { return mine[name] == "" }) { // fresh keys are for a new catalog
		_, err := meta(ctx, epochKey)
		if err == nil {
			err = fmt.Errorf("%s has no keys, and the catalog was used with some: copy the files *.key, *.pub and ca.pem from the data folder of the server that used it", s.cfg.Data)
		}
		if !errors.Is(err, catalog.ErrNotFound) {
			return err
		}
	}
	return known.match(mine, s.cfg)
}

// answer answers, from the first time on, that the server stands by.
func (s *standby) answer(reason string) error {
	s.reason.Store(&reason)
	if reason != s.logged {
		s.cfg.Log.Info("standing by: "+reason, "listen", s.cfg.Listen)
		s.logged = reason
	}
	if s.server != nil {
		return nil
	}
	certs, err := openCertificates(s.cfg)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", s.cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen (is another server running? choose another --listen): %w", err)
	}
	s.server = &http.Server{Handler: api.Standby(func() string { return *s.reason.Load() }), ReadHeaderTimeout: headerTimeout, ReadTimeout: headerTimeout,
		WriteTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug)}
	go func() {
		defer close(s.done)
		_ = s.server.Serve(listen.New(l, certs.config(), s.cfg.InsecureHTTP)) // until end
	}()
	return nil
}

// end frees the address for the server that serves.
func (s *standby) end() error {
	if s.server == nil {
		return nil
	}
	err := s.server.Close()
	<-s.done
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	return err
}

// meta reads a setting of a catalog that another server may have open.
func (k Kept) meta(ctx context.Context, key string) (string, error) {
	if onPostgres(k.Database) {
		return postgres.Meta(ctx, k.Database, key)
	}
	return sqlite.Meta(ctx, filepath.Join(k.Data, databaseFile), key)
}

// keepHold looks now and then whether this server still has the catalog: the lock goes with
// its connection. It fails once another server began to serve. While nobody else has it,
// the lock is taken again, and an outage of the database is waited for.
func (s *Server) keepHold(ctx context.Context) error {
	tick := time.NewTicker(holdEvery)
	defer tick.Stop()
	lost := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := s.holds(ctx); errors.Is(err, errSuperseded) {
			return err
		} else if is := errors.Is(err, catalog.ErrLocked); is != lost {
			if lost = is; is {
				s.log.Warn("the catalog's lock is lost; nothing can be changed until it is had again, or the server ends as another one serves")
			} else {
				s.log.Info("the catalog's lock is had again")
			}
		}
	}
}

// holds takes the lock if it was lost, and looks whether another server counted a start since
// this one did.
func (s *Server) holds(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, holdTimeout)
	defer stop()
	held := s.catalog.Hold(ctx)
	if epoch, err := s.catalog.Meta(ctx, epochKey); err == nil && epoch != fmt.Sprint(s.hub.Epoch()) {
		return errSuperseded
	}
	return held
}
