//go:build linux

package browser

import (
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sitecast/sitecast/kiosk/devtools"
)

// counter adds up what comes over the network.
type counter struct{ n atomic.Int64 }

func (c *counter) heard(e devtools.Event) {
	var got struct{ DataLength int64 }
	if e.Method == "Network.dataReceived" && json.Unmarshal(e.Params, &got) == nil {
		c.n.Add(got.DataLength)
	}
}

// tracing gathers what the browser reports of a trace.
type tracing struct {
	done chan struct{} // closed when all is there

	// mu guards events.
	mu     sync.Mutex
	events []traced
}

// traced is an event of a trace; times are in microseconds.
type traced struct {
	Name    string  `json:"name"`
	Phase   string  `json:"ph"`
	Process int     `json:"pid"`
	Thread  int     `json:"tid"`
	Length  float64 `json:"dur"`
	CPU     float64 `json:"tdur"`
	Args    struct {
		Name string `json:"name"`
	} `json:"args"`
}

// mainThread is what the main thread of a page is called.
const mainThread = "CrRendererMain"

func (t *tracing) heard(e devtools.Event) {
	switch e.Method {
	case "Tracing.dataCollected":
		var some struct{ Value []json.RawMessage }
		if json.Unmarshal(e.Params, &some) != nil {
			return
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		for _, text := range some.Value {
			var one traced
			if json.Unmarshal(text, &one) == nil && (one.Name == "thread_name" || one.Phase == "X" && (one.Name == "RunTask" || one.Name == "ThreadControllerImpl::RunTask")) {
				t.events = append(t.events, one)
			}
		}
	case "Tracing.tracingComplete":
		close(t.done)
	}
}

// tasks are those of the threads that are a page's main one.
func (t *tracing) tasks() (all Tasks) {
	t.mu.Lock()
	defer t.mu.Unlock()
	type thread struct{ process, id int }
	main := map[thread]bool{}
	for _, e := range t.events {
		if e.Name == "thread_name" && e.Args.Name == mainThread {
			main[thread{e.Process, e.Thread}] = true
		}
	}
	micro := func(n float64) time.Duration { return time.Duration(n * float64(time.Microsecond)) }
	for _, e := range t.events {
		if e.Phase != "X" || !main[thread{e.Process, e.Thread}] {
			continue
		}
		all.Count++
		all.Longest, all.CPU = max(all.Longest, micro(e.Length)), max(all.CPU, micro(e.CPU))
	}
	return all
}
