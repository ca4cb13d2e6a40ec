package api

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/sitecast/sitecast/web"
)

// PathPortal is where the operators' portal is.
const PathPortal = "/portal/"

// portal adds the operators' portal. Its pages are one file, which shows what the address
// says; who is not logged in sees none of what it asks for, and is led to the log-in.
func (s *server) portal() {
	page := newAsset("index.html", web.Portal)
	files := assetsOf(web.PortalAssets())
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
