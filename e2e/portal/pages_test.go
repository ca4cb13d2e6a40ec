//go:build linux

package portal

import (
	"fmt"
	"os"

	"github.com/sitecast/sitecast/e2e/browser"
)

func siteShowsItsEndpoints(s *stand) {
	s.visit("sites/shop-12")
	s.until("its endpoints and its line", shows("till-3")+" && "+shows("till-4")+" && "+shows("bound to 2.00 Mbit/s"))
	s.visit("sites/shop-13")
	s.until("a site without endpoints to teach", shows("sitecast enrol --site"))
	s.visit("sites/no-such")
	s.until("a site that is not there to be refused in words", `document.querySelector('[role="alert"]')?.innerText.includes('no-such')`)
}

func sitesAreFound(s *stand) {
	s.visit("sites?q=shop-13")
	s.until("one site", `document.querySelectorAll('tbody tr').length === 1 && `+shows("shop-13"))
	s.visit("sites?q=none")
	s.until("no site to be said", shows("No site has such a name"))
}

func contentShowsItsVersions(s *stand) {
	s.visit("contents")
	s.until("the content", `[...document.querySelectorAll('tbody a')].some((a) => a.innerText === 'till-app')`)
	s.click(`tbody a`)
	s.until("its version, where it was ordered, and its flows", `location.pathname === '/portal/contents/till-app' && `+shows("2.1")+" && "+shows("shop-12"))
}

func endpointsAreFound(s *stand) {
	s.visit("endpoints?text=till-4")
	s.until("one endpoint", `document.querySelectorAll('tbody tr').length === 1 && `+shows("till-4"))
}

func auditSaysWhoDidWhat(s *stand) {
	s.visit("audit")
	s.until("who paused", `[...document.querySelectorAll('tbody tr')].some((r) => r.innerText.includes('`+Name+`'))`)
}

func reportsAndRolloutsTeach(s *stand) {
	s.visit("reports")
	s.until("what its figures mean", shows("Saved is what endpoints had")) // they are written down once a minute
	s.visit("rollouts")
	s.until("how a rollout is begun", shows("--ring"))
}

func paletteGoesAnywhere(s *stand) {
	s.visit("")
	s.must(s.portal.Press(s.ctx, "k", true))
	s.until("the palette", `document.querySelector('dialog[open] input') === document.activeElement`)
	s.must(s.portal.Type(s.ctx, "shop-1"))
	s.until("the site to be found", `document.querySelector('dialog [role="option"]')?.innerText.includes('shop-12')`)
	s.must(s.portal.Press(s.ctx, "Enter", false))
	s.until("its page", `location.pathname === '/portal/sites/shop-12' && document.querySelector('h1').innerText === 'shop-12'`)
}

// axe is what looks for obstacles; it is a development dependency of the portal.
const axe = "../../web/portal/node_modules/axe-core/axe.min.js"

// looked lists pages for axe; each is shown to a mouse and on a phone.
var looked = []string{"", "flows", "flows?group=site", "sites", "sites/shop-12", "endpoints", "contents", "contents/till-app", "contents/till-app/distribute", "publish", "rollouts", "settings", "proposals", "reports", "enrolment", "access", "audit"}

// pagesHaveNoObstacles looks at every page, in both themes and on a narrow screen.
func pagesHaveNoObstacles(s *stand) {
	source, err := os.ReadFile(axe)
	if err != nil {
		s.t.Fatalf("%v: make web installs it", err)
	}
	for _, screen := range []browser.Screen{{Width: 1440, Height: 900, Calm: true}, {Width: 360, Height: 740, Dark: true, Calm: true}} {
		s.must(s.portal.Show(s.ctx, screen))
		for _, path := range looked {
			s.visit(path)
			where := fmt.Sprintf("/portal/%s at %d pixels, dark %v", path, screen.Width, screen.Dark)
			var found []string
			s.must(s.portal.Eval(s.ctx, string(source)+`;axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] }).then((r) =>
				r.violations.map((v) => v.id + ': ' + v.help + ' ' + v.nodes.map((n) => n.html).join(' ').slice(0, 400)))`, &found))
			for _, f := range found {
				s.t.Errorf("%s: %s", where, f)
			}
			wrong, err := s.portal.Wrong(s.ctx)
			s.must(err)
			if len(wrong) > 0 {
				s.t.Errorf("%s: %q", where, wrong)
			}
			if s.is(`document.documentElement.scrollWidth > document.documentElement.clientWidth`) {
				s.t.Errorf("%s is wider than its screen", where)
			}
		}
	}
	s.must(s.portal.Show(s.ctx, browser.Screen{Width: 1440, Height: 900}))
}
