package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/chunk/disk"
	"github.com/sitecast/sitecast/storage/content"
)

// contentPatience is how long a reader of content may take over a piece.
const contentPatience = 30 * time.Second

// delivered serves the files of complete versions to the programs of this host, as
// GET /c/NAME/VERSION/PATH, also where the store is encrypted and they can't read it.
// Any program of this host may ask, as any may read a store that is not encrypted;
// another host may not, nor may a web page of elsewhere: a browser names the page's
// own host in Host (so a name that was made to mean this host is refused), and says
// where the page is from.
type delivered struct {
	open func(ref content.Ref, path string) (*disk.File, error)
	lost func(id content.VersionID, chunk uint32) // a chunk that did not match
	log  *slog.Logger
}

func (d delivered) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if why := fromElsewhere(r); why != "" {
		http.Error(w, why, http.StatusForbidden)
		return
	}
	ref := content.Ref{Name: r.PathValue("name"), Version: r.PathValue("version")}
	file, err := d.open(ref, r.PathValue("path"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		http.Error(w, "not here: GET /status says which versions are complete", http.StatusNotFound)
		return
	case err != nil:
		d.log.Error("serving content", "content", ref.String(), "err", err)
		http.Error(w, "the store can't be read", http.StatusInternalServerError)
		return
	}
	defer file.Close()
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cross-Origin-Resource-Policy", "same-site")
	w.Header().Set("Cache-Control", "no-cache") // a version can be published again under its name
	w.Header().Set("ETag", fmt.Sprintf("%q", file.ID))
	http.ServeContent(w, r, file.Path, file.Head.Created, &served{file, d, http.NewResponseController(w)})
}

// fromElsewhere says why a request is not of this host; empty where it is.
func fromElsewhere(r *http.Request) string {
	switch {
	case !fromHere(r.RemoteAddr):
		return "this is served to this host only"
	case !namesHere(r.Host):
		return "ask for 127.0.0.1, [::1] or localhost, and no other name of this host"
	case r.Header.Get("Sec-Fetch-Site") == "cross-site":
		return "this is not served to pages of other sites"
	}
	return ""
}

// fromHere reports whether the other end of a connection is on this host.
func fromHere(remote string) bool {
	host, _, err := net.SplitHostPort(remote)
	return err == nil && loopback(host)
}

// namesHere reports whether a Host header names this host in a way that nobody else
// can make it.
func namesHere(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return loopback(strings.Trim(host, "[]"))
}

// served is a file on its way to a reader, who may take as long as he goes on reading.
type served struct {
	*disk.File
	delivered
	to *http.ResponseController
}

func (s *served) Read(b []byte) (int, error) {
	_ = s.to.SetWriteDeadline(time.Now().Add(contentPatience)) // else the server's holds
	n, err := s.File.Read(b)
	if damaged := new(chunk.CorruptError); errors.As(err, &damaged) {
		s.log.Warn("content is damaged and fetched again", "content", s.Head.Ref().String(), "err", err)
		s.lost(s.ID, damaged.Chunk)
	}
	return n, err
}

// statusServer serves until ctx ends.
func statusServer(ctx context.Context, l net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
	stopped := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stopped()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve status: %w", err)
	}
	return nil
}
