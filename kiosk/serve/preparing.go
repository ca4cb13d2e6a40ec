package serve

import (
	"embed"
	"io/fs"
	"net/http"
	"path"

	"github.com/sitecast/sitecast/edge/loopback"
)

//go:embed preparing
var preparingFiles embed.FS

// preparingPolicy lets the page use its own script and style, and nothing else.
const preparingPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

// preparing answers with what the page is made of.
var preparing = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	text, err := fs.ReadFile(preparingFiles, "preparing/"+path.Base(r.URL.Path))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", loopback.TypeOf(r.URL.Path))
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(text) // the reader went away
})

// prepare answers while no version is active: whoever visits a page sees that it is being
// prepared, and the page opens as soon as there is one.
func (s *server) prepare(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Retry-After", "1")
	if !visits(r) {
		http.Error(w, "no version is active yet: GET /_kiosk/status says why", http.StatusServiceUnavailable)
		return
	}
	text, err := preparingFiles.ReadFile("preparing/index.html")
	if err != nil {
		panic(err) // it is in this program
	}
	w.Header().Set("Content-Type", loopback.TypeOf(indexName))
	w.Header().Set("Content-Security-Policy", preparingPolicy)
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write(text) // the reader went away
}
