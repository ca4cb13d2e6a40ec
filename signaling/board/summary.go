package board

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
)

// Limits of what is listed as wanting attention.
const (
	maxAttentionOfSite = 20
	// MaxAttention bounds what an overview lists.
	MaxAttention = 100
)

// Attention is something that somebody should look at.
type Attention struct {
	Code     string `json:"code" enum:"halted,failed,late,reported,quarantine,kiosk"`
	Site     string `json:"site" doc:"empty for who is at none"`
	Content  string `json:"content,omitempty"`
	Version  string `json:"version,omitempty"`
	Endpoint string `json:"endpoint,omitempty" doc:"id"`
	Text     string `json:"text" doc:"what it is, in words"`
}

// The codes of what wants attention, the worst first.
const (
	AttentionHalted     = "halted"     // a flow took more over the WAN than it needs
	AttentionFailed     = "failed"     // a flow can't go on at somebody
	AttentionLate       = "late"       // a flow will be complete later than it should
	AttentionReported   = "reported"   // peers caught an endpoint lying
	AttentionQuarantine = "quarantine" // endpoints are at no site, as it is not certain which is theirs
	AttentionKiosk      = "kiosk"      // a kiosk took a version back, or the one that it has does its work no more
)

// bad are states of a kiosk that somebody should look at.
var bad = []string{"rolled_back", "unhealthy"}

var worst = []string{AttentionHalted, AttentionFailed, AttentionLate, AttentionReported, AttentionQuarantine, AttentionKiosk}

// Summary is what there is in sites. Rates are bits per second.
type Summary struct {
	Online   int            `json:"endpoints_online" doc:"without pages in browsers"`
	Browsers int            `json:"browsers_online"`
	States   map[string]int `json:"flows" doc:"by state, of sites that run: where somebody was online, or flows were listed, since the server started"`
	WANBPS   int64          `json:"wan_bps"`
	PeerBPS  int64          `json:"peer_bps"`
	// Attention is the worst first; AttentionMore counts what is left out.
	Attention     []Attention `json:"attention"`
	AttentionMore int         `json:"attention_more,omitempty"`
}

// Overview sums up all sites that run. It may be as old as Every, and nobody changes it.
func (b *Board) Overview(ctx context.Context) (Summary, error) {
	if err := b.LookAtRunning(ctx); err != nil {
		return Summary{}, err
	}
	now := time.Now()
	b.mu.Lock()
	sum, fresh := b.sum, !b.summed.IsZero() && now.Sub(b.summed) < Every
	b.mu.Unlock()
	if fresh {
		return sum, nil
	}
	sum = Summary{States: states(), Attention: []Attention{}}
	for _, s := range b.All() {
		sum.add(s.Summary)
	}
	sum.cut(MaxAttention)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sum, b.summed = sum, now
	return sum, nil
}

// states are all there are, so that none is missing where there is none of it.
func states() map[string]int {
	return map[string]int{site.StateWaiting: 0, site.StateRunning: 0, site.StatePaused: 0, site.StateComplete: 0, site.StateFailed: 0, site.StateHalted: 0}
}

func (s *Summary) add(other Summary) {
	s.Online += other.Online
	s.Browsers += other.Browsers
	for state, n := range other.States {
		s.States[state] += n
	}
	s.WANBPS += other.WANBPS
	s.PeerBPS += other.PeerBPS
	s.Attention = append(s.Attention, other.Attention...)
	s.AttentionMore += other.AttentionMore
}

// With is the summary with more that wants attention; it leaves this one as it is.
func (s Summary) With(more []Attention) Summary {
	s.Attention = append(append([]Attention{}, s.Attention...), more...)
	s.cut(MaxAttention)
	return s
}

// cut keeps the worst of what wants attention.
func (s *Summary) cut(most int) {
	slices.SortStableFunc(s.Attention, func(a, b Attention) int {
		return cmp.Or(cmp.Compare(slices.Index(worst, a.Code), slices.Index(worst, b.Code)), strings.Compare(a.Site, b.Site))
	})
	if over := len(s.Attention) - most; over > 0 {
		s.Attention, s.AttentionMore = s.Attention[:most:most], s.AttentionMore+over
	}
}

// summarize sums up one site.
func summarize(v site.View) Summary {
	s := Summary{}
	if len(v.Flows) > 0 {
		s.States = map[string]int{}
	}
	for _, f := range v.Flows {
		s.States[f.State]++
		s.WANBPS += f.WANBPS
		s.PeerBPS += f.PeerBPS
		if a, ok := ofFlow(f); ok {
			s.Attention = append(s.Attention, a)
		}
	}
	for _, e := range v.Endpoints {
		if e.Kind == browser {
			s.Browsers++
			continue
		}
		s.Online++
		s.Attention = append(s.Attention, ofEndpoint(e)...)
	}
	s.cut(maxAttentionOfSite)
	return s
}

// ofFlow says what about a flow wants attention.
func ofFlow(f site.FlowView) (Attention, bool) {
	a := Attention{Site: f.Site, Content: f.Content, Version: f.Version, Text: fmt.Sprintf("%s@%s at %s ", f.Content, f.Version, f.Site)}
	switch {
	case f.State == site.StateHalted:
		a.Code, a.Text = AttentionHalted, a.Text+"is halted: "+f.Reason
	case f.State == site.StateFailed:
		a.Code, a.Text = AttentionFailed, a.Text+"can't go on: "+f.Reason
	case f.ForecastCause != "":
		a.Code, a.Text = AttentionLate, a.Text+"will be late: "+f.ForecastCause
	default:
		return a, false
	}
	return a, true
}

// ofEndpoint says what about an endpoint wants attention.
func ofEndpoint(e site.EndpointView) (all []Attention) {
	where := e.Name + " at " + e.Site
	if len(e.ReportedBy) > 0 {
		all = append(all, Attention{Code: AttentionReported, Site: e.Site, Endpoint: string(e.ID),
			Text: fmt.Sprintf("%s is reported by its peers: %s", where, strings.Join(e.ReportedBy, ", "))})
	}
	if a := e.Activation; a != nil && slices.Contains(bad, a.State) {
		all = append(all, Attention{Code: AttentionKiosk, Site: e.Site, Content: a.Content, Version: a.Version, Endpoint: string(e.ID),
			Text: fmt.Sprintf("%s, %s: %s", where, strings.ReplaceAll(a.State, "_", " "), cmp.Or(a.Reason, "no reason was told"))})
	}
	return all
}
