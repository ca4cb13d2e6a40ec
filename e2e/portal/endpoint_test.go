//go:build linux

package portal

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/sitecast/sitecast/e2e/browser"
	"github.com/sitecast/sitecast/signaling/site"
)

// endpointsAreLookedInto opens the page of one, changes what holds for it, and ends a rule that
// somebody set.
func endpointsAreLookedInto(s *stand) {
	var all []site.EndpointView
	s.must(json.Unmarshal([]byte(s.run("endpoints", "--json")), &all))
	page := "endpoints/" + string(all[0].ID)

	s.visit(page)
	s.until("the endpoint's page", fmt.Sprintf(`document.querySelector('h1').innerText === %q`, all[0].Name))
	s.until("its part in the flow", `[...document.querySelectorAll('.part h3')].some((h) => h.innerText.includes('till-app@2.1'))`)
	s.until("what holds for it", shows("cache_quota"))
	s.until("the other endpoint to choose", `document.querySelector('select[name="other"] option') !== null`)
	s.press("Look")
	s.until("why they are linked", `document.querySelector('.rung.ok') !== null`)

	s.visit("settings?q=wan_tariff")
	s.until("the setting", `document.querySelectorAll('.setting').length === 1`)
	s.press("Set something")
	s.put(`dialog input[name="value"]`, "cheap")
	s.press("What would change?")
	s.until("the server to refuse what is no price", `document.querySelector('dialog .failure') !== null`)
	s.put(`dialog input[name="value"]`, "0.08EUR/GB")
	s.press("What would change?")
	s.until("what would change", shows("shop-12: wan_tariff none → 0.08EUR/GB"))
	s.press("Set it")
	s.until("what is set everywhere", `[...document.querySelectorAll('.setting tr')].some((r) => r.innerText.includes('everywhere') && r.innerText.includes('0.08EUR/GB'))`)

	s.run("pause", "--site", "shop-12", "--content", "till-app", "--reason", "stocktaking")
	s.until("the pause among the rules", shows("stocktaking"))
	s.press("End")
	s.press("End: yes")
	s.until("the rule to be gone", `!`+shows("stocktaking"))
	s.reaches(page, "settings", "proposals")
}

// put types into a field as somebody does.
func (s *stand) put(selector, text string) {
	s.t.Helper()
	s.must(s.portal.Eval(s.ctx, fmt.Sprintf(`(() => {
		const field = document.querySelector(%q)
		Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(field, %q)
		field.dispatchEvent(new Event('input', { bubbles: true }))
		field.dispatchEvent(new Event('change', { bubbles: true }))
	})()`, selector, text), nil))
}

// reaches looks at pages for obstacles, in both themes and on a narrow screen.
func (s *stand) reaches(paths ...string) {
	s.t.Helper()
	source, err := os.ReadFile(axe)
	s.must(err)
	for _, screen := range []browser.Screen{{Width: 360, Height: 740, Dark: true, Calm: true}, {Width: 1440, Height: 900, Calm: true}} {
		s.must(s.portal.Show(s.ctx, screen))
		for _, path := range paths {
			s.visit(path)
			var found []string
			s.must(s.portal.Eval(s.ctx, string(source)+`;axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] }).then((r) =>
				r.violations.map((v) => v.id + ': ' + v.help + ' ' + v.nodes.map((n) => n.html).join(' ').slice(0, 400)))`, &found))
			var wide bool
			s.must(s.portal.Eval(s.ctx, `document.documentElement.scrollWidth > document.documentElement.clientWidth`, &wide))
			if len(found) > 0 || wide {
				s.t.Errorf("/portal/%s at %d pixels, dark %v: %q, wider than its screen: %v", path, screen.Width, screen.Dark, found, wide)
			}
		}
	}
}
