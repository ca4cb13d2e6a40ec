package api_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/web"
)

func TestDownloadPageIsServedWithAStrictPolicy(t *testing.T) {
	s := newStand(t)
	for _, route := range []string{"/get/app", "/get/app@1.2.3", "/check", "/assets/get.js", "/assets/get.css", "/assets/worker.js"} {
		w := s.as("", http.MethodGet, route, nil)
		if w.Code != http.StatusOK || w.Body.Len() == 0 {
			t.Fatalf("%s answered %d with %d bytes", route, w.Code, w.Body.Len())
		}
		h := w.Header()
		policy := h.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("%s: policy %q", route, policy)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("Content-Type") == "" {
			t.Errorf("%s: headers %v", route, h)
		}
		r := httptest.NewRequest(http.MethodGet, route, nil)
		r.Header.Set("If-None-Match", h.Get("ETag"))
		if again := s.do(r); again.Code != http.StatusNotModified || again.Body.Len() != 0 {
			t.Errorf("%s: asked again it answered %d with %d bytes", route, again.Code, again.Body.Len())
		}
	}
}

func TestDownloadPageIsOfContentOnly(t *testing.T) {
	s := newStand(t)
	for _, route := range []string{"/get/", "/get/..", "/get/a@", "/get/@1", "/get/a@b@c", "/get/a/b", "/get/%00", "/get/<script>", "/assets/", "/assets/none.js", "/assets/..%2fembed.go"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path, r.RequestURI = route, route
		wantProblem(t, s.do(r), http.StatusNotFound, "not_found")
	}
}

// What is not in a file of ours would not run.
func TestDownloadPageHasNoInlineScriptOrStyle(t *testing.T) {
	page := string(web.Get) + string(web.Check)
	for _, m := range regexp.MustCompile(`(?s)<script\b([^>]*)>(.*?)</script>`).FindAllStringSubmatch(page, -1) {
		if !strings.Contains(m[1], `src="/assets/`) || strings.TrimSpace(m[2]) != "" {
			t.Errorf("inline script %q", m[0])
		}
	}
	if found := regexp.MustCompile(`<style|\sstyle=|\son[a-z]+=|javascript:`).FindString(page); found != "" {
		t.Errorf("the page has %q", found)
	}
}
