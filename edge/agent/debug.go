package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/sitecast/sitecast/edge/loopback"
)

// checkDebug refuses an address for profiles that others than this host reach.
func checkDebug(address string) error {
	if address == "" {
		return nil
	}
	if host, _, err := net.SplitHostPort(address); err != nil || !loopback.Is(host) {
		return fmt.Errorf("--debug-listen %s: profiles are for this host only; give an address such as 127.0.0.1:6060", address)
	}
	return nil
}

// profileTimeout bounds one look at the process: a profile takes as long as was asked for.
const profileTimeout = 5 * time.Minute

// serveDebug serves profiles of the process to this host until ctx ends. Its command line is
// not among them.
func serveDebug(ctx context.Context, address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("--debug-listen: %w", err)
	}
	server := &http.Server{Handler: loopback.Door{}.Guard(profiles()), ReadHeaderTimeout: 5 * time.Second, WriteTimeout: profileTimeout, MaxHeaderBytes: 16 << 10}
	stopped := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stopped()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve profiles on %s: %w", l.Addr(), err)
	}
	return nil
}

func profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", http.NotFound)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}
