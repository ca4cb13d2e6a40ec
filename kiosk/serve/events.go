package serve

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	// maxStreams bounds the pages that listen at once.
	maxStreams = 32
	// progressStep is how often a screen that is being prepared is told how far it is.
	progressStep = time.Second
	// heartbeat is how often a page that listens hears something, so that either end
	// notices when the other is gone.
	heartbeat = 15 * time.Second
)

// told is an event as a page hears it: version, when the active one is another and at
// first, or progress, while there is none.
type told struct {
	event string
	data  any
}

// named is a version as a page hears of it.
type named struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// events answers GET /_kiosk/events, a stream of server-sent events.
func (s *server) events(w http.ResponseWriter, r *http.Request) {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		http.Error(w, fmt.Sprintf("%d pages listen already: close some", maxStreams), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	to := http.NewResponseController(w)
	_ = to.SetReadDeadline(time.Time{}) // nothing more is read
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	step := time.NewTicker(progressStep)
	defer step.Stop()
	var last told
	for {
		flipped := s.Source.Flipped() // before the answer is read, so that no flip is missed
		if now := s.tell(); now != last {
			if send(w, to, now.line()) != nil {
				return
			}
			last = now
		}
		select {
		case <-flipped:
		case <-step.C:
		case <-beat.C:
			if send(w, to, ": still here\n\n") != nil {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}

// tell is what a page should know now.
func (s *server) tell() told {
	if v, active := s.Source.Active(); active {
		return told{"version", named{v.Name, v.Version}}
	}
	return told{"progress", s.Progress()}
}

func (t told) line() string {
	text, err := json.Marshal(t.data)
	if err != nil {
		panic(err) // they are strings and numbers
	}
	return fmt.Sprintf("event: %s\ndata: %s\n\n", t.event, text)
}

// send writes to a page, which has time for it until two more beats.
func send(w http.ResponseWriter, to *http.ResponseController, text string) error {
	_ = to.SetWriteDeadline(time.Now().Add(2 * heartbeat)) // else the server's holds
	if _, err := w.Write([]byte(text)); err != nil {
		return err
	}
	return to.Flush()
}
