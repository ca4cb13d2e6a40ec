//go:build linux

package story

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/sitecast/sitecast/e2e/rig"
	"github.com/sitecast/sitecast/signaling/api"
)

// The SDK's package is made, unpacked and bundled as somebody does who installed it, and
// its examples are served by another web server than Sitecast's.
func TestTheExamplesOfTheSDKRun(t *testing.T) {
	long(t)
	const sdk, size = "../../web/sdk", mib
	if _, err := os.Stat(filepath.Join(sdk, "node_modules")); err != nil {
		t.Skip("no node_modules: make web")
	}
	dir := t.TempDir()
	for _, script := range [][]string{{"build.mjs", "--check"}, {"pack.mjs", dir}} {
		cmd := exec.CommandContext(t.Context(), "node", script...)
		cmd.Dir = sdk
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("node %v: %v\n%s", script, err, out)
		}
	}
	s := open(t, oneSite(2, 50), size)
	folder := t.TempDir()
	s.must(os.WriteFile(filepath.Join(folder, "index.html"), []byte("<p>from the swarm"), 0o600))
	s.must(s.Publish(s.ctx, folder, "site", "1"))
	_, err := s.StartAgent(s.ctx, 0, 0)
	s.must(err)
	s.sitecast("distribute", "app@1", "--all", "--wait")

	listener, err := s.lab.Sites[0].Endpoints[1].Listen("tcp", "127.0.0.1:0")
	s.must(err)
	server := &http.Server{Handler: http.FileServer(http.Dir(dir))}
	over := make(chan error)
	go func() { over <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close() // Serve tells how it ended
		if err := <-over; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	origin := fmt.Sprintf("http://localhost:%d", listener.Addr().(*net.TCPAddr).Port)
	text, err := s.Sitecast(s.ctx, "link", "app", "--and", "site", "--site", rig.SiteName(0), "--origin", origin, "--json")
	s.must(err)
	var made api.MadeBrowserToken
	s.must(json.Unmarshal(text, &made))

	tb := s.blank(1, t.TempDir())
	for _, c := range []struct{ page, content, shows, want string }{
		{"plain.html", "app", "document.getElementById('out').textContent", fmt.Sprintf("app  %d", size)},
		{"sw.html", "site", "document.getElementById('app').contentDocument?.body?.textContent ?? ''", "from the swarm"},
		{"react.html", "app", "fetch(document.querySelector('video').src).then((r) => r.blob()).then((b) => String(b.size))", fmt.Sprint(size)},
	} {
		query := url.Values{"server": {tb.origin()}, "trust": {made.Trust}, "name": {c.content}}
		s.must(tb.page.Go(s.ctx, origin+"/"+c.page+"?"+query.Encode()+"#"+made.Token))
		var shown string
		err := rig.Wait(s.ctx, c.page, func() bool {
			return tb.page.Eval(s.ctx, c.shows, &shown) == nil && shown == c.want // it has no such element yet
		})
		if err != nil {
			var all string
			_ = tb.page.Eval(s.ctx, "document.documentElement.outerHTML", &all) // for the log alone
			t.Errorf("%v: it shows %q, want %q\n%s", err, shown, c.want, all)
		}
	}
}
