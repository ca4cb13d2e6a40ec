package operator

import (
	"io"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/storage/content"
)

// Times that tests wait for.
const (
	Patience   = patience
	WaitEvery  = waitEvery
	WatchEvery = watchEvery
)

// Wait is a wait, for tests of its decisions.
type Wait struct{ w wait }

// NewWait begins to wait at now.
func NewWait(now time.Time, ref content.Ref, sites ...string) *Wait {
	return &Wait{wait{ref: ref, sites: sites, moved: now}}
}

// Open makes it a wait for all endpoints.
func (w *Wait) Open() { w.w.open = true }

// Look takes in what the server tells.
func (w *Wait) Look(now time.Time, flows []site.FlowView) (bool, error) { return w.w.look(now, flows) }

// Lines shows the flows.
func (w *Wait) Lines() []string { return w.w.lines(time.Now()) }

// ReadyText says by when a flow shall be complete, and will be.
var ReadyText = readyText

// Terminal is a screen on a terminal of that size.
func Terminal(out io.Writer, width, height int) func(lines []string) {
	s := &screen{out: out, term: true, size: func() (int, int) { return width, height }}
	return s.draw
}

// Parts of the output, for tests.
var (
	Bar       = bar
	Cut       = cut
	FlowLines = flowLines
)

// ReadFlows follows a stream of events to its end and says how many flows there are then.
func ReadFlows(r io.Reader) (int, error) {
	var f feed
	err := readEvents(r, f.apply)
	return len(f.flows), err
}
