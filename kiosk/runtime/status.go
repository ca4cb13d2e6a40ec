package runtime

import (
	"encoding/json"
	"net/http"
	"reflect"
	"time"

	"github.com/sitecast/sitecast/edge/engine"
	"github.com/sitecast/sitecast/kiosk/activation"
	"github.com/sitecast/sitecast/kiosk/display"
	"github.com/sitecast/sitecast/kiosk/serve"
)

// status is what GET /_kiosk/status answers. Versions that there are none of are empty.
type status struct {
	App      string             `json:"app"`
	State    string             `json:"state"`
	Since    time.Time          `json:"since,omitzero"` // when it became unhealthy
	Reason   string             `json:"reason"`
	Active   string             `json:"active"`
	Previous string             `json:"previous"` // that it would go back to
	Staged   string             `json:"staged"`   // that waits, is tried, or has failed
	History  []activation.Entry `json:"history"`  // newest first
	Display  display.State      `json:"display"`
}

// ServeHTTP answers GET /_kiosk/status.
func (k *Kiosk) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	k.mu.Lock()
	s := k.status
	out := status{App: k.App, State: s.State, Since: s.Since, Reason: s.Reason, Active: name(s.Active), Previous: name(s.Previous), Staged: name(s.Staged),
		History: s.History, Display: k.screen}
	k.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(out) // the reader went away
}

func name(v *activation.Version) string {
	if v == nil {
		return ""
	}
	return v.Ref.Version
}

// publish makes the state known to who asks, and to the agent.
func (k *Kiosk) publish() {
	s := k.state.Status(k.Policy)
	uses := engine.Uses{Keep: k.state.Uses(), Activation: report(s)}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.status = s
	if !reflect.DeepEqual(uses, k.uses) {
		k.uses = uses
		signal(k.changed)
	}
}

// report is what the server is told.
func report(s activation.Status) *engine.Activation {
	out := &engine.Activation{Content: s.App, Version: name(s.Active), State: s.State, Since: s.Since, Staged: name(s.Staged), Reason: engine.Clip(s.Reason)}
	for _, e := range s.History[:min(len(s.History), engine.MaxActivated)] {
		out.History = append(out.History, engine.Activated{At: e.At, Version: e.Version, From: e.From,
			Outcome: string(e.Outcome), Reason: engine.Clip(e.Reason)})
	}
	return out
}

// progress says how far the first version is.
func (k *Kiosk) progress() serve.Progress {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.have
	p.Says = k.status.Reason
	return p
}
