// Package serve puts the active version of a kiosk's content behind an address of this
// host, so that its screen works without any network. The version may be replaced at any
// time: who began with a file of the old one gets the rest of that file, what is asked
// for next is of the new one, and pages that listen at /_kiosk/events are told of the
// flip. Nothing outside of the version's folder is ever served, and nobody but this host
// is served at all (package loopback). Before there is a version the screen shows that it
// is being prepared. Which version is active is for package activation.
package serve

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/sitecast/sitecast/edge/loopback"
)

// Options are what a handler is made of.
type Options struct {
	Source   Source
	Hosts    []string        // names of this host that may be asked for, besides its loopback addresses and localhost
	Status   http.Handler    // answers GET /_kiosk/status; nil: not found
	Progress func() Progress // how far the first version is; nil: not known
	Log      *slog.Logger
}

// Progress says how far the first version is.
type Progress struct {
	Have int64  `json:"have"`           // content bytes
	Want int64  `json:"want"`           // 0: not known yet
	Says string `json:"says,omitempty"` // what it waits for, for who stands before the screen
}

// server answers requests; it keeps nothing of them.
type server struct {
	Options
	streams chan struct{} // one for each page that listens
}

// Handler serves the active version at /, and the kiosk's own pages under /_kiosk/.
func Handler(o Options) http.Handler {
	if o.Progress == nil {
		o.Progress = func() Progress { return Progress{} }
	}
	if o.Status == nil {
		o.Status = http.NotFoundHandler()
	}
	s := &server{Options: o, streams: make(chan struct{}, maxStreams)}
	mux := http.NewServeMux()
	mux.Handle("/_kiosk/status", o.Status)
	mux.HandleFunc("/_kiosk/events", s.events)
	mux.Handle("/_kiosk/preparing/", preparing)
	mux.Handle("/_kiosk/", http.NotFoundHandler())
	mux.HandleFunc("/", s.content)
	return loopback.Door{Hosts: o.Hosts}.Guard(mux)
}

// content answers with a file of the active version. It may be kept but is asked for
// anew at each visit, which takes no time on loopback: so a flip is seen at once, and no
// name of a file has to be taken for a promise that it never changes.
func (s *server) content(w http.ResponseWriter, r *http.Request) {
	v, active := s.Source.Active()
	if !active || s.Source.Barred(v) {
		s.prepare(w, r)
		return
	}
	f, elsewhere, err := find(v, r.URL.Path, visits(r))
	switch {
	case errors.Is(err, errNoFile):
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, fmt.Sprintf("%s@%s has no such file", v.Name, v.Version), http.StatusNotFound)
		return
	case err != nil:
		s.Log.Error("the active version can't be read", "content", v.Name, "version", v.Version, "err", err)
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "the active version can't be read: the log says why", http.StatusInternalServerError)
		return
	case elsewhere != "":
		w.Header().Set("Cache-Control", "no-store")
		if r.URL.RawQuery != "" {
			elsewhere += "?" + r.URL.RawQuery
		}
		w.Header().Set("Location", elsewhere)
		w.WriteHeader(http.StatusFound)
		return
	}
	defer f.Close()
	w.Header().Set("Cache-Control", "no-cache")
	loopback.Answer(w, r, loopback.File{Name: f.name, Tag: f.tag(v), Bytes: allowed{f, func() bool { return !s.Source.Barred(v) }}})
}

// allowed is a file that is read as long as it may be.
type allowed struct {
	io.ReadSeeker
	still func() bool
}

// errBarred ends an answer in the middle.
var errBarred = errors.New("the version was blocked")

func (a allowed) Read(b []byte) (int, error) {
	if !a.still() {
		return 0, errBarred
	}
	return a.ReadSeeker.Read(b)
}
