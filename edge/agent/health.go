package agent

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"time"
)

// readiness says whether the agent can do its work.
type readiness struct {
	Ready bool    `json:"ready"`
	Needs []found `json:"needs"`
}

// found is what was found of something that the agent needs.
type found struct {
	Name    string  `json:"name"`
	Ready   bool    `json:"ready"`
	Reason  string  `json:"reason,omitempty"`
	Seconds float64 `json:"seconds"`
}

// ready looks whether everything is there: the loop, the folder of the store, and the server,
// without which nothing new comes.
func (a *agent) ready(ctx context.Context) readiness {
	ctx, stop := context.WithTimeout(ctx, statusTimeout)
	defer stop()
	connected := errors.New("the agent does not answer")
	needs := []struct {
		name  string
		check func() error
	}{
		{"engine", func() error {
			s, err := a.eng.Status(ctx)
			if connected = nil; err != nil {
				connected = err
			} else if !s.Connected {
				connected = errors.New("no connection to the server")
				if why := a.link.Trouble(); why != "" {
					connected = errors.New(why)
				}
			}
			return err
		}},
		{"store", func() error {
			_, err := os.Stat(a.cfg.Data)
			return err
		}},
		{"server", func() error { return connected }},
	}
	out := readiness{Ready: true}
	for _, need := range needs {
		began, f := time.Now(), found{Name: need.name, Ready: true}
		if err := need.check(); err != nil {
			f.Ready, f.Reason, out.Ready = false, err.Error(), false
		}
		f.Seconds = time.Since(began).Seconds()
		out.Needs = append(out.Needs, f)
	}
	return out
}

// health adds what watches of processes ask for.
func (a *agent) health(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		is := a.ready(r.Context())
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if !is.Ready {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(is) // who asked went away
	})
}
