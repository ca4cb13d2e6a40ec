package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// readyTimeout bounds the wait for one thing that the server needs.
	readyTimeout = 5 * time.Second
	// readyLasts is how long it counts what was found, so that nobody has the server work
	// by asking often.
	readyLasts = time.Second
)

// Need is something that the server can't do its work without.
type Need struct {
	Name  string
	Check func(context.Context) error
}

// Readiness says whether the server can do its work.
type Readiness struct {
	Ready bool    `json:"ready"`
	Needs []Found `json:"needs"`
}

// Found is what was found of a need. What is wrong stands in the log: everybody may ask.
type Found struct {
	Name    string  `json:"name"`
	Ready   bool    `json:"ready"`
	Seconds float64 `json:"seconds" doc:"how long it took to find out"`
}

// notReady is a problem that says what is missing.
type notReady struct {
	*Problem
	Readiness
}

// readiness looks whether everything is there that the server needs.
type readiness struct {
	needs []Need

	// mu guards the rest, and is held while it is looked.
	mu    sync.Mutex
	found Readiness
	at    time.Time
}

func (r *readiness) look(ctx context.Context, failed func(need string, err error)) Readiness {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.at.IsZero() && time.Since(r.at) < readyLasts {
		return r.found
	}
	found := Readiness{Ready: true, Needs: make([]Found, len(r.needs))}
	var all sync.WaitGroup
	for i, need := range r.needs {
		all.Go(func() {
			ctx, stop := context.WithTimeout(ctx, readyTimeout)
			defer stop()
			began := time.Now()
			err := need.Check(ctx)
			if err != nil {
				failed(need.Name, err)
			}
			found.Needs[i] = Found{need.Name, err == nil, time.Since(began).Seconds()}
		})
	}
	all.Wait()
	for _, need := range found.Needs {
		found.Ready = found.Ready && need.Ready
	}
	if ctx.Err() == nil { // who asked did not go away meanwhile
		r.found, r.at = found, time.Now()
	}
	return found
}

// missing names what is not there.
func (r Readiness) missing() (names []string) {
	for _, need := range r.Needs {
		if !need.Ready {
			names = append(names, need.Name)
		}
	}
	return names
}

// ready answers whether requests may be sent here.
func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	found := s.readiness.look(r.Context(), func(need string, err error) {
		s.Log.ErrorContext(r.Context(), "the server is not ready", "need", need, "err", err)
	})
	w.Header().Set("Cache-Control", "no-store")
	if found.Ready {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(found) // who asked went away
		return
	}
	p := &Problem{Status: http.StatusServiceUnavailable, Code: "not_ready", Detail: "not there: " + strings.Join(found.missing(), ", "),
		Hint: "look into the server's log, which says what is wrong", RequestID: requestID(r.Context())}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(notReady{p.complete(), found})
}

// database is the need for the catalog.
func (s *server) database(ctx context.Context) error {
	_, err := s.Catalog.Sites(ctx, "", 1)
	return err
}
