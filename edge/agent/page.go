package agent

import (
	"bytes"
	"cmp"
	"crypto/rand"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"time"

	"github.com/sitecast/sitecast/edge/loopback"
	"github.com/sitecast/sitecast/edge/polite"
	"github.com/sitecast/sitecast/signaling/units"
	"github.com/sitecast/sitecast/signaling/wire"
)

// pauseFor is how long the page's button pauses.
const pauseFor = time.Hour

//go:embed page/status.html
var pageText string

var pageTemplate = template.Must(template.New("status").Parse(pageText))

// page shows the user of this computer what the agent does on it, and lets him pause
// it. It is plain HTML without scripts, for this host only; another program of the host
// may pause as well as he.
type page struct {
	snapshot func(*http.Request) (status, error)
	pause    func(time.Duration)
}

// handle adds the page to what is served.
func (p page) handle(mux *http.ServeMux) {
	mux.Handle("GET /{$}", loopback.Door{}.Guard(http.HandlerFunc(p.show)))
	change := func(span time.Duration) http.Handler {
		return loopback.Door{}.Change(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			p.pause(span)
			http.Redirect(w, r, "/", http.StatusSeeOther)
		}))
	}
	mux.Handle("POST /pause", change(pauseFor))
	mux.Handle("POST /resume", change(0))
}

// shown is what the page says.
type shown struct {
	Nonce, Name, Line string
	Paused            bool
	Uses              string // what a kiosk shows
	Reasons           []string
	Moved             []figure
	Flows             []flowLine
}

type figure struct{ Class, What, Bytes string }

type flowLine struct{ Name, Version, State, Reason, Here string }

func (p page) show(w http.ResponseWriter, r *http.Request) {
	s, err := p.snapshot(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	nonce := rand.Text()
	var text bytes.Buffer
	if err := pageTemplate.Execute(&text, inWords(s, nonce)); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+nonce+"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(text.Bytes()) // the reader went away
}

// inWords puts a status in words.
func inWords(s status, nonce string) shown {
	out := shown{Nonce: nonce, Name: s.Name, Line: "Not connected: " + cmp.Or(s.Trouble, "it is tried again")}
	if s.Connected {
		out.Line = fmt.Sprintf("Connected, at site %s; peers linked: %d", s.Site, len(s.Links))
	}
	if s.Connected && s.Quarantine != "" {
		out.Line = "Connected, but in quarantine until the operator knows this network: " + s.Quarantine
	}
	out.Paused = slices.ContainsFunc(s.Restraints, func(r polite.Restraint) bool { return r.Code == wire.RestraintPaused })
	for _, r := range s.Restraints {
		out.Reasons = append(out.Reasons, r.Reason)
	}
	if s.Activation != nil {
		out.Uses = s.Activation.Text()
	}
	var sum wire.Sources
	for _, f := range s.Flows {
		sum.Origin += f.Bytes.Origin
		sum.Peer += f.Bytes.Peer
		sum.Relay += f.Bytes.Relay
		sum.Reused += f.Bytes.Reused
		out.Flows = append(out.Flows, flowLine{f.Content, f.Version, f.State, f.Reason,
			fmt.Sprintf("%d %% of %s", percent(f.ChunksHeld, f.Chunks), units.Bytes(f.BytesTotal))})
	}
	out.Moved = []figure{{"origin", "from the origin", units.Bytes(sum.Origin)}, {"peer", "from peers", units.Bytes(sum.Peer)}}
	if sum.Relay > 0 {
		out.Moved = append(out.Moved, figure{"relay", "through a relay", units.Bytes(sum.Relay)})
	}
	if sum.Reused > 0 {
		out.Moved = append(out.Moved, figure{"reused", "from other versions", units.Bytes(sum.Reused)})
	}
	out.Moved = append(out.Moved, figure{"sent", "to peers, since the start", units.Bytes(s.Sent)})
	if m := s.Month; m != nil {
		text := units.Bytes(m.Bytes)
		if m.Allowance > 0 {
			text += " of " + units.Bytes(m.Allowance)
		}
		out.Moved = append(out.Moved, figure{"origin", "over the WAN in " + m.Month, text})
	}
	return out
}

func percent(held, all uint32) uint64 {
	if all == 0 {
		return 0
	}
	return 100 * uint64(held) / uint64(all)
}
