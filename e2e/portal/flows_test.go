//go:build linux

package portal

import (
	"strings"
	"time"

	"github.com/sitecast/sitecast/e2e/rig"
	"github.com/sitecast/sitecast/signaling/site"
)

func overviewCounts(s *stand) {
	s.visit("")
	s.until("the overview to count both tills", `[...document.querySelectorAll('.figure-card')].some((c) => c.innerText.includes('Endpoints online') && c.innerText.includes('2\nof 2'))`)
	s.until("the overview to show that bytes move", `document.querySelector('.figure-card dd').innerText !== '0 bit/s'`)
	s.until("a chart with its data beside it", `document.querySelector('.chart canvas') !== null`)
	s.press("Show as a table")
	s.until("the data of the chart", `document.querySelector('table.plain td.figure') !== null`)
}

// A click is shown as done when the server says so, and what others do is seen as well.
func flowsAreSteered(s *stand) {
	s.visit("flows")
	s.until("the flow to run", running)
	s.must(s.portal.Eval(s.ctx, ofShop12+`.querySelector('input[type="checkbox"]').click()`, nil))
	s.press("Pause")
	s.until("the pause to be in effect", shows("Pause: in effect after"))
	if f := s.flow(); f.State != site.StatePaused || !strings.HasPrefix(f.PausedBy, Name+" paused ") {
		s.t.Errorf("the server says %s, paused by %q", f.State, f.PausedBy)
	}
	s.until("the table to say who paused it", shows(Name+" paused till-app@2.1 at shop-12"))
	s.must(s.portal.Eval(s.ctx, ofShop12+`.querySelector('button.why').click()`, nil))
	s.until("the story to tell of the pause", `[...document.querySelectorAll('dialog .timeline li')].some((l) => l.innerText.includes('`+Name+` paused'))`)
	s.press("Close")
	s.press("Resume")
	s.until("the flow to run again", shows("Resume: in effect after")+` && `+running)
	if f := s.flow(); f.PausedBy != "" {
		s.t.Errorf("the server says it is paused by %q", f.PausedBy)
	}
	s.visit("flows?q=no-such&sort=wan")
	s.until("a search without a find to say so", shows("No flow matches"))
	s.visit("flows?group=site")
	s.until("groups to be no flows", `document.querySelector('tbody tr') !== null && document.querySelector('tbody input') === null`)
}

// aMoment is long enough for a change to be seen, were it shown.
const aMoment = 1500 * time.Millisecond

func updatesAreHeld(s *stand) {
	s.visit("flows")
	s.until("the flow to run", running)
	s.press("Hold updates")
	s.run("pause", "--site", "shop-12", "--content", "till-app")
	s.must(rig.Pause(s.ctx, aMoment))
	if !s.is(running + ` && ` + shows("Held")) {
		s.t.Error("what was held changed, or is not said to be held")
	}
	s.press("Go on")
	s.until("what others did meanwhile", ofShop12+`.querySelector('.state.paused') !== null`)
	s.run("resume", "--site", "shop-12", "--content", "till-app")
	s.until("the flow to run again", running)
}

// There are more tabs than a browser keeps connections to a server: they share theirs.
func tabsShareTheirStreams(s *stand) {
	for range 8 {
		tab, err := s.portal.Tab(s.ctx, "flows")
		s.must(err)
		s.must(tab.Until(s.ctx, "another tab to be live", running+` && `+shows("Live")))
		s.must(tab.Close(s.ctx))
	}
}

// The page is not loaded anew while the server is away: it says so, and goes on.
func serverComesBack(s *stand) {
	s.visit("flows")
	s.until("the flow to run", running+` && `+shows("Live"))
	s.must(s.portal.Eval(s.ctx, `window.same = true`, nil))
	s.must(s.Stop())
	s.until("the page to say that it is stale", shows("Not up to date"))
	if !s.is(ofShop12 + ` !== undefined`) {
		s.t.Error("what is known is not shown any more while the server is away")
	}
	s.must(s.Start(s.ctx))
	s.until("the page to be live again", shows("Live")+` && `+running)
	s.run("pause", "--site", "shop-12", "--content", "till-app")
	s.until("events to go on", ofShop12+`.querySelector('.state.paused') !== null`)
	if !s.is(`window.same === true`) {
		s.t.Error("the page was loaded anew")
	}
}
