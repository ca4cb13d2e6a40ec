package agent

import (
	"errors"
	"io/fs"
	"log/slog"
	"net/http"

	"github.com/sitecast/sitecast/edge/loopback"
	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/chunk/disk"
	"github.com/sitecast/sitecast/storage/content"
)

// contentPattern is where files of complete versions are served.
const contentPattern = "/c/{name}/{version}/{path...}"

// delivered serves the files of complete versions to the programs of this host, as
// GET /c/NAME/VERSION/PATH, also where the store is encrypted and they can't read it.
// Any program of this host may ask, as any may read a store that is not encrypted.
type delivered struct {
	open    func(ref content.Ref, path string) (*disk.File, error)
	lost    func(id content.VersionID, chunk uint32) // a chunk that did not match
	blocked func(ref content.Ref) bool               // nothing of it is served
	log     *slog.Logger
}

// errBlocked ends an answer in the middle.
var errBlocked = errors.New("the version was blocked")

func (d delivered) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ref := content.Ref{Name: r.PathValue("name"), Version: r.PathValue("version")}
	if d.blocked(ref) {
		http.Error(w, "it is blocked by an operator", http.StatusNotFound)
		return
	}
	file, err := d.open(ref, r.PathValue("path"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		http.Error(w, "not here: GET /status says which versions are complete", http.StatusNotFound)
		return
	case err != nil:
		d.log.Error("serving content", "content", ref.String(), "err", err)
		http.Error(w, "the store can't be read", http.StatusInternalServerError)
		return
	}
	defer file.Close()
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable") // a version is published once
	w.Header().Set("Content-Security-Policy", "sandbox")                   // the agent's own pages are of this origin
	loopback.Answer(w, r, loopback.File{Name: file.Path, Tag: file.ID.String(), Modified: file.Head.Created, Bytes: mended{file, d}})
}

// mended is a file on its way to a reader. What of it is damaged is fetched again.
type mended struct {
	*disk.File
	delivered
}

func (m mended) Read(b []byte) (int, error) {
	if m.blocked(m.Head.Ref()) {
		return 0, errBlocked
	}
	n, err := m.File.Read(b)
	if damaged := new(chunk.CorruptError); errors.As(err, &damaged) {
		m.log.Warn("content is damaged and fetched again", "content", m.Head.Ref().String(), "err", err)
		m.lost(m.ID, damaged.Chunk)
	}
	return n, err
}
