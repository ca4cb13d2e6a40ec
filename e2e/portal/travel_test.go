//go:build linux

package portal

// travels looks back at the flows and at the site, and saves a view.
func (s *stand) travels() {
	s.t.Helper()
	s.visit("flows")
	s.until("something to look back at", `[...document.querySelectorAll('.look button')].some((b) => !b.disabled)`)
	s.press("Look back")
	s.until("the past to be named in page and address", `document.querySelector('.travel strong')?.innerText.startsWith('As it was at') && new URLSearchParams(location.search).has('at')`)
	s.until("the flow as it was, which can't be chosen", `document.querySelector('td .progress') !== null && document.querySelector('tbody input') === null`)
	s.press("−10 min") // before the server was there: as far back as there is something
	s.until("the oldest picture", `document.querySelector('td .progress') !== null`)
	s.press("Back to now")
	s.until("the present", `document.querySelector('.travel') === null && !new URLSearchParams(location.search).has('at') && document.querySelector('tbody input') !== null`)
	s.visit("sites/shop-12")
	s.until("something to look back at", `[...document.querySelectorAll('.look button')].some((b) => !b.disabled)`)
	s.press("Look back")
	s.until("the endpoints that were there", `document.querySelector('.travel') !== null && `+shows("till-3"))

	s.visit("flows?state=running&group=site")
	s.press("Save this view")
	s.until("its name to be asked for", `document.querySelector('dialog[open] input') === document.activeElement`)
	s.must(s.portal.Type(s.ctx, "moving"))
	s.must(s.portal.Press(s.ctx, "Enter", false))
	s.until("the view", `document.querySelector('.view a[aria-current]')?.innerText === 'moving'`)
	s.visit("flows") // anew: the server has it
	s.until("the view after a reload", `document.querySelector('.view a')?.getAttribute('href').endsWith('/flows?group=site&state=running')`)

	s.until("the flow", `document.querySelector('tbody input') !== null`)
	s.click(`tbody input[type="checkbox"]`)
	s.must(s.portal.Eval(s.ctx, `document.querySelector('.cap input').focus()`, nil))
	s.must(s.portal.Type(s.ctx, "1 Mbit/s"))
	s.must(s.portal.Press(s.ctx, "Enter", false))
	s.until("the cap to be in effect", shows("Cap at 1.00 Mbit/s: in effect after"))
	if f := s.flow(); f.CapBPS == nil || *f.CapBPS != 1_000_000 {
		s.t.Errorf("the server says that the cap is %v", f.CapBPS)
	}
	s.press("No cap")
	s.until("the cap to be gone", shows("No cap: in effect after"))
}
