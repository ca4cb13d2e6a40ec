package board

import (
	"slices"
	"time"
)

// maxNews bounds the changes of states that are remembered.
const maxNews = 1000

// StateChange is a flow that came to be in another state, as far as that was seen.
type StateChange struct {
	At      time.Time `json:"at"`
	Site    string    `json:"site"`
	Content string    `json:"content"`
	Version string    `json:"version"`
	Was     string    `json:"was" doc:"empty where it was ordered, or is seen for the first time"`
	State   string    `json:"state"`
	Text    string    `json:"text" doc:"why it moves or does not, in words"`
}

// stateChanges are what came to be of flows between two looks at a site. What a site shows
// when it is looked at for the first time is no news.
func stateChanges(was, now *Shown) (out []StateChange) {
	if was.At.IsZero() {
		return nil
	}
	before := was.Flows
	for _, f := range now.Flows {
		for len(before) > 0 && before[0].Key < f.Key {
			before = before[1:]
		}
		state := ""
		if len(before) > 0 && before[0].Key == f.Key {
			state = before[0].View.State
		}
		if v := f.View; v.State != state {
			out = append(out, StateChange{now.At, v.Site, v.Content, v.Version, state, v.State, v.Why.Text})
		}
	}
	return out
}

// note remembers what is new. mu is held.
func (b *Board) note(news []StateChange) {
	b.news = append(b.news, news...)
	if over := len(b.news) - maxNews; over > 0 {
		b.news = slices.Delete(b.news, 0, over)
	}
}

// News are the last changes of the states of flows, the newest first, at the sites of which
// wanted says so.
func (b *Board) News(most int, wanted func(site string) bool) []StateChange {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := []StateChange{}
	for _, n := range slices.Backward(b.news) {
		if len(out) == most {
			break
		}
		if wanted(n.Site) {
			out = append(out, n)
		}
	}
	return out
}
