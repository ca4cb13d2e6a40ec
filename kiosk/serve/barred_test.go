package serve_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/sitecast/sitecast/kiosk/serve"
)

func TestBarredVersionIsServedNoMore(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "index.html"), []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	slot := &serve.Slot{}
	slot.Show(serve.Version{Name: "app", Version: "2", Root: root})
	h := serve.Handler(serve.Options{Source: slot})
	ask := func() int {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host, r.RemoteAddr = "127.0.0.1:8088", "127.0.0.1:40000"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	if got := ask(); got != 200 {
		t.Errorf("before: %d", got)
	}
	slot.Bar(func(v serve.Version) bool { return v.Version == "2" })
	if got := ask(); got != 503 {
		t.Errorf("barred: %d, want the page that says that it is being prepared", got)
	}
	slot.Bar(nil)
	if got := ask(); got != 200 {
		t.Errorf("when the block was ended: %d", got)
	}
}
