package loopback

import (
	"io"
	"net/http"
	"path"
	"strings"
	"time"
)

// patience is how long a reader may take over a piece of a file.
const patience = 30 * time.Second

// File is what is sent.
type File struct {
	Name     string    // by which its type is known
	Tag      string    // other bytes under the same address have another
	Modified time.Time // zero where it means nothing
	Bytes    io.ReadSeeker
}

// Answer sends a file, or the ranges of it that are asked for. A reader may take as long
// as he goes on reading. How long the answer may be kept is said by the caller before.
func Answer(w http.ResponseWriter, r *http.Request, f File) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Type", TypeOf(f.Name))
	h.Set("ETag", `"`+f.Tag+`"`)
	http.ServeContent(w, r, f.Name, f.Modified, patient{f.Bytes, http.NewResponseController(w)})
}

// patient gives the reader of a file time for each piece of it.
type patient struct {
	io.ReadSeeker
	to *http.ResponseController
}

func (p patient) Read(b []byte) (int, error) {
	_ = p.to.SetWriteDeadline(time.Now().Add(patience)) // else the server's holds
	return p.ReadSeeker.Read(b)
}

// TypeOf is the media type of a file by its name: the same on every system, whatever is
// installed there. Browsers refuse scripts, modules, styles and WebAssembly under another
// one. Text is UTF-8.
func TypeOf(name string) string {
	if kind, known := types[strings.ToLower(path.Ext(name))]; known {
		return kind
	}
	return "application/octet-stream"
}

var types = map[string]string{
	".html": "text/html; charset=utf-8", ".htm": "text/html; charset=utf-8", ".xhtml": "application/xhtml+xml",
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
	".wasm": "application/wasm",
	".json": "application/json", ".map": "application/json", ".webmanifest": "application/manifest+json",
	".xml": "application/xml", ".txt": "text/plain; charset=utf-8", ".md": "text/markdown; charset=utf-8",
	".csv": "text/csv; charset=utf-8", ".vtt": "text/vtt; charset=utf-8", ".pdf": "application/pdf",

	".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif",
	".webp": "image/webp", ".avif": "image/avif", ".apng": "image/apng", ".bmp": "image/bmp", ".ico": "image/x-icon",

	".woff": "font/woff", ".woff2": "font/woff2", ".ttf": "font/ttf", ".otf": "font/otf",

	".mp4": "video/mp4", ".m4v": "video/mp4", ".webm": "video/webm", ".ogv": "video/ogg", ".mov": "video/quicktime",
	".m3u8": "application/vnd.apple.mpegurl", ".ts": "video/mp2t", ".mpd": "application/dash+xml",
	".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".aac": "audio/aac", ".ogg": "audio/ogg", ".oga": "audio/ogg",
	".opus": "audio/ogg", ".wav": "audio/wav", ".flac": "audio/flac",

	".gltf": "model/gltf+json", ".glb": "model/gltf-binary",

	".zip": "application/zip", ".gz": "application/gzip", ".tgz": "application/gzip", ".xz": "application/x-xz",
	".zst": "application/zstd", ".tar": "application/x-tar", ".deb": "application/vnd.debian.binary-package",
	".rpm": "application/x-rpm",
}
