package api

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/web"
)

// pagePolicy lets a page use what this server serves, and nothing else: no script or
// style but files of ours, no other site's frames, no form. A page talks to its own
// server only; "blob:" is what it offers to be saved.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// asset is a file of the page, with the name of its bytes.
type asset struct {
	data []byte
	kind string // media type
	etag string
	// policy is its Content-Security-Policy, where that is not the usual one.
	policy string
}

// assetKinds are the media types of what a page names; the table of the system may lack
// them.
var assetKinds = map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8"}

func newAsset(name string, data []byte) asset {
	sum := sha256.Sum256(data)
	return asset{data: data, kind: assetKinds[path.Ext(name)], etag: `"` + hex.EncodeToString(sum[:16]) + `"`}
}

// serve answers with the file. It is asked for anew at each visit, so that a page never
// runs with the script of another version; unchanged, it is not sent again.
func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Content-Security-Policy", cmp.Or(a.policy, pagePolicy))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", a.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.data))
}

// pages adds the download page, the one that checks a browser, and what they are made
// of. What is shown there comes from the token in the link, which the browser does not
// send: the page is the same for all.
func (s *server) pages() {
	page := newAsset("get.html", web.Get)
	s.router.Get("/get/{name}", func(w http.ResponseWriter, r *http.Request) {
		name, version, named := strings.Cut(chi.URLParam(r, "name"), "@")
		err := content.CheckName(name)
		if err == nil && named {
			err = content.CheckVersion(version)
		}
		if err != nil {
			s.fail(w, r, &Problem{Status: http.StatusNotFound, Detail: err.Error(), Hint: "open the link as `sitecast link` printed it"})
			return
		}
		page.serve(w, r)
	})
	s.router.Get("/check", newAsset("check.html", web.Check).serve)
	assets := assetsOf(web.Assets())
	assets["account.css"] = newAsset("account.css", web.AccountStyle)
	s.router.Get("/assets/{name}", func(w http.ResponseWriter, r *http.Request) {
		a, found := assets[chi.URLParam(r, "name")]
		if !found {
			s.fail(w, r, &Problem{Status: http.StatusNotFound, Detail: "no such file of a page", Hint: "reload the page"})
			return
		}
		a.serve(w, r)
	})
}

// assetsOf reads files that are in this program, by name.
func assetsOf(files fs.FS) map[string]asset {
	assets := map[string]asset{}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, name)
		assets[name] = newAsset(name, bytes.Clone(data))
		return err
	})
	if err != nil {
		panic(err)
	}
	return assets
}
