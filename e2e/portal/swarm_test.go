//go:build linux

package portal

import (
	"strings"

	"github.com/sitecast/sitecast/e2e/rig"
)

// swarm looks at a site while content moves there, and closes an hour of its week.
func (s *stand) swarm() {
	s.visit("sites/shop-12")
	s.until("the picture to have both tills and their link", `document.querySelectorAll('.swarm .spot').length === 2 && document.querySelectorAll('.swarm .link.direct').length > 0`)
	s.until("the one that fetches to be marked, and bytes to move from the WAN", `document.querySelector('.swarm .spot .fetcher') !== null && document.querySelector('.swarm .flowing.wan') !== null`)
	s.until("bytes to move over the link, as its ends say", `document.querySelector('.swarm .flowing.direct') !== null`)
	s.press("Show as a table")
	s.until("the same as a table", `[...document.querySelectorAll('caption')].some((c) => c.innerText === 'Links') && [...document.querySelectorAll('td')].some((c) => c.innerText === 'direct')`)
	s.until("strips of what each holds", `document.querySelectorAll('.strips li').length === 2 && document.querySelectorAll('.strips rect.peer').length > 0`)

	s.until("the hours", `document.querySelectorAll('.week [role="gridcell"]').length === 168`)
	// By keys: from the hour where the grid is entered to Sunday's last, which is closed.
	s.must(s.portal.Eval(s.ctx, `document.querySelector('.week [tabindex="0"]').focus()`, nil))
	for range 7 {
		s.must(s.portal.Press(s.ctx, "ArrowDown", false))
	}
	s.must(s.portal.Press(s.ctx, "End", false))
	s.must(s.portal.Press(s.ctx, "Enter", false))
	s.until("it to be closed", `document.querySelector('[data-hour="167"]').classList.contains('shut') && `+shows("Not saved yet"))
	s.press("Save for this site")
	s.until("it to be kept", shows("Saved. It holds"))
	s.must(rig.Wait(s.ctx, "the server to say so", func() bool {
		return strings.Contains(s.run("policy", "explain", "--site", "shop-12"), "sun 23:00-24:00 closed; * open")
	}))
	s.press("Take back what is set here")
	s.until("it to be as before", `!document.querySelector('[data-hour="167"]').classList.contains('shut')`)
}
