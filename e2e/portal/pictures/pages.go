//go:build linux

package main

import (
	"context"
	"fmt"
	"net/url"

	"github.com/sitecast/sitecast/e2e/portal"
)

// page is one that is taken.
type page struct{ name, path string }

// pagesOf lists the pages that the portal has: those that it always has, and those of the
// first endpoint and rollout there is. A page that it does not know is left out.
func pagesOf(ctx context.Context, p *portal.Portal, o options) ([]page, error) {
	site, content := url.PathEscape(o.site), url.PathEscape(o.content)
	pages := []page{{"overview", ""}, {"flows", "flows"}, {"flows-by-site", "flows?group=site"}, {"sites", "sites"}, {"site", "sites/" + site}, {"endpoints", "endpoints"},
		{"contents", "contents"}, {"content", "contents/" + content}, {"rollouts", "rollouts"}, {"reports", "reports"}, {"enrolment", "enrolment"}, {"access", "access"}, {"audit", "audit"}}
	for _, more := range []page{{"publish", "publish"}, {"distribute", "contents/" + content + "/distribute"}, {"settings", "settings"},
		{"proposals", "proposals"}, {"first-run", "first-run"}} {
		known, err := knows(ctx, p, more.path)
		if err != nil {
			return nil, err
		}
		if known {
			pages = append(pages, more)
		}
	}
	for _, of := range []struct{ name, list, path string }{{"endpoint", "endpoints?limit=1", "endpoints/"}, {"rollout", "rollouts", "rollouts/"}} {
		var id any
		if err := p.Eval(ctx, fmt.Sprintf(`fetch('/api/v1/%s').then((r) => r.json()).then((all) => all?.[0]?.id ?? null)`, of.list), &id); err != nil {
			return nil, err
		}
		if id == nil {
			continue
		}
		path := of.path + url.PathEscape(fmt.Sprint(id))
		known, err := knows(ctx, p, path)
		if err != nil {
			return nil, err
		}
		if known {
			pages = append(pages, page{of.name, path})
		}
	}
	return pages, nil
}

// knows reports whether the portal has a page.
func knows(ctx context.Context, p *portal.Portal, path string) (is bool, err error) {
	if err := p.Go(ctx, p.Base+path); err != nil {
		return false, err
	}
	if err := p.Until(ctx, path, `document.querySelector('main h1, main > p:not([aria-busy])') !== null`); err != nil {
		return false, err
	}
	return is, p.Eval(ctx, `document.querySelector('main h1') !== null`, &is)
}
