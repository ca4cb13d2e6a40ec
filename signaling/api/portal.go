package api

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/sitecast/sitecast/web"
)

// PathPortal is where the operators' portal is.
const PathPortal = "/portal/"

// publisherScript is the beginning of the name of the worker that publishes. A worker has the
// policy that its script comes with: of all of the portal, this one alone may compile
// WebAssembly, which it compresses with, and it may do nothing else beside asking this server.
const (
	publisherScript = "publisher-"
	publisherPolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"
)

// portal adds the operators' portal. Its pages are one file, which shows what the address
// says; who is not logged in sees none of what it asks for, and is led to the log-in.
func (s *server) portal() {
	page := newAsset("index.html", web.Portal)
	files := assetsOf(web.PortalAssets())
	for name, file := range files {
		if strings.HasPrefix(name, publisherScript) {
			file.policy = publisherPolicy
			files[name] = file
		}
	}
	s.router.Get(PathPortal+"assets/{name}", func(w http.ResponseWriter, r *http.Request) {
		a, found := files[chi.URLParam(r, "name")]
		if !found {
			s.fail(w, r, &Problem{Status: http.StatusNotFound, Detail: "no such file of the portal", Hint: "reload the page"})
			return
		}
		a.serve(w, r)
	})
	s.router.Get(PathPortal+"*", page.serve)
	s.router.Get("/portal", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, PathPortal, http.StatusSeeOther) })
	s.router.Get("/", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, PathPortal, http.StatusSeeOther) })
}
