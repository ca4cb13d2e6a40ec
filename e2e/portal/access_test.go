//go:build linux

package portal

import "fmt"

// fill writes into the field with a label.
func (s *stand) fill(label, text string) {
	s.t.Helper()
	s.must(s.portal.Eval(s.ctx, fmt.Sprintf(`[...document.querySelectorAll('form label')].find((l) => l.innerText.startsWith(%q)).querySelector('input').focus()`, label), nil))
	s.must(s.portal.Type(s.ctx, text))
}

func tokensAreMade(s *stand) {
	s.visit("enrolment")
	s.fill("Site", "shop-13")
	s.press("Make the token")
	s.until("the token, and what to run", shows("Token for shop-13")+" && "+shows("sitecast agent"))
}

func peopleAreInvited(s *stand) {
	s.visit("access")
	s.until("oneself among the people", shows(Name))
	s.fill("Name", "dora")
	s.press("Make the link")
	s.until("a link for her", `document.body.textContent.includes('/invite?token=')`)
}

// rolesSeeAndDoWhatTheyMay has a viewer, and an operator who is held to another site.
func rolesSeeAndDoWhatTheyMay(s *stand) {
	viewer, err := s.portal.As(s.ctx, s.invite("ben", "--role", "viewer"))
	s.must(err)
	s.as(viewer, func() {
		s.visit("flows")
		s.until("the flow", running)
		if s.is(`document.querySelector('tbody input, .controls') !== null`) {
			s.t.Error("a viewer is offered controls")
		}
		if s.is(`document.querySelector('nav').innerText.includes('Access') || document.querySelector('nav').innerText.includes('Enrolment')`) {
			s.t.Error("a viewer is shown the way to pages of admins")
		}
		s.visit("access")
		s.until("a refusal that says why", `document.querySelector('[role="alert"]')?.innerText.includes('admin')`)
	})
	s.must(viewer.Close(s.ctx))
	// A view of an operator who may steer, but only there.
	scoped, err := s.portal.As(s.ctx, s.invite("carl", "--role", "operator", "--site", "shop-13"))
	s.must(err)
	s.as(scoped, func() {
		s.visit("")
		s.until("his own site to begin with", shows("shop-13"))
		if s.is(shows("shop-12")) {
			s.t.Error("who is held to shop-13 sees shop-12")
		}
		s.visit("sites/shop-13")
		s.until("controls at his own site", `document.querySelector('tbody input[type="checkbox"]') !== null`)
		s.visit("sites/shop-12")
		s.until("another's site to be refused", `document.querySelector('[role="alert"]') !== null`)
		if s.is(`document.querySelector('tbody tr') !== null`) {
			s.t.Error("who is held to shop-13 sees what goes on at shop-12")
		}
	})
	s.must(scoped.Close(s.ctx))
}
