package api_test

import (
	"io/fs"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/web"
)

func TestPortalIsOnePageWhateverItsAddress(t *testing.T) {
	s := newStand(t)
	for _, route := range []string{"/portal/", "/portal/flows", "/portal/sites/shop-12", "/portal/contents/a%2Fb"} {
		w := s.as("", http.MethodGet, route, nil)
		if w.Code != http.StatusOK || w.Body.String() != string(web.Portal) {
			t.Errorf("%s answered %d with %d bytes, want the portal", route, w.Code, w.Body.Len())
		}
		if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'self'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", route, policy)
		}
	}
	for _, route := range []string{"/", "/portal"} {
		if w := s.as("", http.MethodGet, route, nil); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/portal/" {
			t.Errorf("%s answered %d and leads to %q, want 303 and /portal/", route, w.Code, w.Header().Get("Location"))
		}
	}
	wantProblem(t, s.as("", http.MethodGet, "/portal/assets/none.js", nil), http.StatusNotFound, "not_found")
}

// What is not in a file of ours would not run; and every file that it names is served.
func TestPortalNamesFilesOfItsOwnOnly(t *testing.T) {
	s := newStand(t)
	page := string(web.Portal)
	if found := regexp.MustCompile(`<style|\sstyle=|\son[a-z]+=|javascript:|<script>`).FindString(page); found != "" {
		t.Errorf("the page has %q", found)
	}
	files := regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(page, -1)
	served := 0
	for _, m := range files {
		switch {
		case strings.HasPrefix(m[1], "data:image/"):
		case !strings.HasPrefix(m[1], "/portal/assets/"):
			t.Errorf("the page names %q", m[1])
		default:
			served++
			if w := s.as("", http.MethodGet, m[1], nil); w.Code != http.StatusOK || w.Header().Get("Content-Type") == "" || w.Body.Len() == 0 {
				t.Errorf("%s answered %d", m[1], w.Code)
			}
		}
	}
	if served < 2 {
		t.Errorf("the page names %d files, want a script and a style", served)
	}
}

// The one script that compiles WebAssembly may do nothing else that pages may not, and no page may do that.
func TestOnlyTheWorkerThatPublishesCompilesWebAssembly(t *testing.T) {
	s := newStand(t)
	files, err := fs.ReadDir(web.PortalAssets(), ".")
	s.must(err)
	for _, f := range files {
		policy := s.as("", http.MethodGet, "/portal/assets/"+f.Name(), nil).Header().Get("Content-Security-Policy")
		publishes := strings.HasPrefix(f.Name(), "publisher-")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "wasm-unsafe-eval") != publishes ||
			strings.Contains(strings.ReplaceAll(policy, "'wasm-unsafe-eval'", ""), "unsafe") {
			t.Errorf("%s: policy %q", f.Name(), policy)
		}
	}
}
