package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/signaling/listen"
	"github.com/sitecast/sitecast/storage/catalog"
)

// profileTimeout bounds one look at the process: a profile takes as long as was asked for.
const profileTimeout = 5 * time.Minute

// debug serves profiles of the process on a listener of their own until ctx ends. Who asks
// is on this host, or shows the token of an admin.
func (s *Server) debug(ctx context.Context) error {
	server := &http.Server{Handler: s.profiles(), ReadHeaderTimeout: headerTimeout, WriteTimeout: profileTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: s.http.ErrorLog}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		<-ctx.Done()
		_ = server.Close() // a profile that is being made is of no use any more
	}()
	err := server.Serve(listen.New(s.debugAt, s.certs.config(), s.cfg.InsecureHTTP))
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve --debug-listen: %w", err)
	}
	<-ended
	return nil
}

// profiles are those of the process. Its command line is not among them: there may be the
// address of a database in it.
func (s *Server) profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", http.NotFound)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !fromHere(r) && !s.isAdmin(r) {
			http.Error(w, "profiles are for this host, and for who shows the API token of an admin for all sites: Authorization: Bearer TOKEN", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// fromHere reports whether a request comes from this host and asks for a name that only this
// host can have: a page may have made another name mean it.
func fromHere(r *http.Request) bool {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	from, _, err := net.SplitHostPort(r.RemoteAddr)
	return err == nil && isLoopback(from) && (host == "localhost" || isLoopback(strings.Trim(host, "[]")))
}

func isLoopback(address string) bool {
	ip := net.ParseIP(address)
	return ip != nil && ip.IsLoopback()
}

// isAdmin reports whether a request shows the token of an admin for all sites.
func (s *Server) isAdmin(r *http.Request) bool {
	bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return false
	}
	secret, err := credential.ParseAPIToken(bearer)
	if err != nil {
		return false
	}
	token, err := s.catalog.Token(r.Context(), credential.Hash(secret))
	return err == nil && catalog.Allows(token.Role, catalog.RoleAdmin) && len(token.Sites) == 0 && (token.Expires.IsZero() || time.Now().Before(token.Expires))
}
