//go:build linux

package story

import (
	"context"
	"crypto/sha256"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/e2e/browser"
	"github.com/sitecast/sitecast/e2e/rig"
	"github.com/sitecast/sitecast/signaling/site"
)

// A tab is what stories know of the download page in a browser.
type tab struct {
	s    *stage
	c    *browser.Chromium
	page *browser.Page
	link string
}

// browse opens the link of app in a browser on an endpoint's host, which keeps what it
// stores in a folder; further flags go to the browser.
func (s *stage) browse(k int, profile string, flags ...string) *tab {
	s.t.Helper()
	tb := s.blank(k, profile, flags...)
	s.must(tb.page.Go(s.ctx, tb.link))
	return tb
}

// blank is the same before the link is opened.
func (s *stage) blank(k int, profile string, flags ...string) *tab {
	s.t.Helper()
	if _, err := exec.LookPath(browser.Program); err != nil {
		if os.Getenv("CI") != "" {
			s.t.Fatal("CI has no Chromium: .ci/install installs it")
		}
		s.t.Skip("no Chromium here: .ci/install installs it")
	}
	link, pin, err := s.Link(s.ctx, 0, "app")
	s.must(err)
	host := s.lab.Sites[0].Endpoints[k]
	c, err := browser.Launch(func(name string, args ...string) *exec.Cmd { return host.Command(context.Background(), name, args...) },
		profile, pin, flags...)
	s.must(err)
	s.t.Cleanup(func() { _ = c.Close() }) // it may have been closed before
	tb := &tab{s: s, c: c, link: link}
	tb.page, err = c.Open(s.ctx, "about:blank")
	s.must(err)
	return tb
}

// shown is what the page says on its root element.
func (tb *tab) shown() map[string]string {
	shown := map[string]string{}
	err := tb.page.Eval(tb.s.ctx, "document.documentElement ? {...document.documentElement.dataset, says: document.getElementById('sentence')?.textContent ?? '', note: document.getElementById('note')?.textContent ?? '', version: document.getElementById('version')?.textContent ?? '', offers: document.getElementById('file')?.href ?? ''} : {}", &shown)
	tb.s.must(err)
	return shown
}

func number(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64) // none is 0
	return n
}

// bytes is what came from a source.
func (tb *tab) bytes(source string) int64 {
	name := "bytes" + strings.ToUpper(source[:1]) + source[1:]
	return number(tb.shown()[name])
}

// until waits for the page to show something.
func (tb *tab) until(what string, reached func(map[string]string) bool) {
	tb.s.t.Helper()
	last := map[string]string{}
	held := func() int64 { return number(last["bytesOrigin"]) + number(last["bytesPeer"]) }
	for {
		before := held()
		err := rig.Wait(tb.s.ctx, what, func() bool {
			last = tb.shown()
			return reached(last) || last["state"] == "failed"
		})
		switch {
		case err == nil && reached(last):
			return
		case err == nil || held() == before: // browsers share two cores with all the rest: who gets on is waited for
			tb.s.t.Fatalf("%s: %v; the page shows %v", what, err, last)
		}
	}
}

func complete(shown map[string]string) bool { return shown["state"] == "complete" }

// notes waits for the page to tell its reader something.
func (tb *tab) notes(text string) {
	tb.s.t.Helper()
	tb.until("the page to say: "+text, func(shown map[string]string) bool { return strings.Contains(shown["note"], text) })
}

// origin is the web origin of the page.
func (tb *tab) origin() string {
	origin, _, _ := strings.Cut(tb.link, "/get/")
	return origin
}

// save saves what the page offers, as a person would, and returns where it lies.
func (tb *tab) save() string {
	tb.s.t.Helper()
	folder := tb.s.t.TempDir()
	tb.s.must(tb.c.SaveTo(tb.s.ctx, folder))
	tb.until("the file to be offered", func(shown map[string]string) bool { return shown["offers"] != "" })
	tb.s.must(tb.page.Eval(tb.s.ctx, "document.getElementById('file').click()", nil))
	var saved []string
	err := rig.Wait(tb.s.ctx, "the file to be saved", func() bool {
		saved, _ = filepath.Glob(filepath.Join(folder, "app*"))
		return len(saved) == 1 && filepath.Ext(saved[0]) != ".crdownload"
	})
	if err != nil {
		all, _ := os.ReadDir(folder)
		tb.s.t.Fatalf("%v: %v in the folder", err, all)
	}
	return saved[0]
}

// wantSaved saves app@1 and checks every byte.
func (tb *tab) wantSaved(size int64) {
	tb.s.t.Helper()
	sum, err := rig.Random(filepath.Join(tb.s.t.TempDir(), "app"), size, sha256.Sum256([]byte("app1")))
	tb.s.must(err)
	tb.s.must(rig.Check(tb.save(), sum))
}

func TestATabTakesFromAnAgentAndServesTheNext(t *testing.T) { takeAndServe(t) }

// Browsers before Chromium 130 can't hand data channels to a worker: the page carries
// what goes over them.
func TestATabThatKeepsItsChannelsTakesAndServesAsWell(t *testing.T) {
	long(t)
	takeAndServe(t, "--disable-blink-features=TransferableRTCDataChannel")
}

func takeAndServe(t *testing.T, flags ...string) {
	t.Helper()
	const size = 8 * mib
	s := open(t, oneSite(3, 20), size)
	first, err := s.StartAgent(s.ctx, 0, 0)
	s.must(err)
	s.sitecast("distribute", "app@1", "--all")
	tb := s.browse(1, t.TempDir(), flags...)
	tb.until("the tab to be complete", complete)
	s.until("the agent to be complete", "app", 0, func(f site.FlowView) bool { return f.Complete >= 1 })
	if peer := tb.bytes("peer"); peer < size*9/10 {
		t.Errorf("the tab took %d of %d bytes from the agent: %v", peer, size, tb.shown())
	}
	s.wantOneCopy(size, 1.02)
	s.must(first.Stop())
	late, err := s.StartAgent(s.ctx, 0, 2)
	s.must(err)
	path := filepath.Join(late.Data, "content", "app", "1", "app")
	s.must(rig.Wait(s.ctx, "the second agent to be served by the tab", func() bool {
		_, err := os.Stat(path)
		return err == nil
	}))
	s.wantOneCopy(size, 1.02)
}

func TestATabAloneTakesFromTheOriginAndGoesOnAfterAReload(t *testing.T) {
	const size = 8 * mib
	s := open(t, oneSite(1, 20), size)
	profile := t.TempDir()
	tb := s.browse(0, profile)
	tb.until("a third to come", func(shown map[string]string) bool { return number(shown["bytesOrigin"]) > size/3 })
	s.must(rig.Pause(s.ctx, 2500*time.Millisecond)) // what came is durable after 2 s
	s.must(tb.page.Reload(s.ctx))
	tb.until("the tab to be complete", complete)
	s.wantOneCopy(size, 1.1) // and what was in flight
	tb.wantSaved(size)
}

// Nobody but browsers is there: they find each other by the names that multicast DNS
// resolves, and nobody governs the line.
func TestTabsAloneShareOneDownload(t *testing.T) {
	const size = 4 * mib
	s := open(t, oneSite(2, 20), size)
	first := s.browse(0, t.TempDir())
	second := s.browse(1, t.TempDir())
	first.until("the first tab to be complete", complete)
	second.until("the second tab to be complete", complete)
	s.wantOneCopy(size, 1.02)
}

func TestThreeTabsAndThreeAgentsShareOneDownload(t *testing.T) {
	long(t)
	const size = 64 * mib
	s := open(t, oneSite(6, 20), size)
	for k := range 3 {
		_, err := s.StartAgent(s.ctx, 0, k)
		s.must(err)
	}
	var tabs []*tab
	for k := range 3 {
		tabs = append(tabs, s.browse(3+k, t.TempDir()))
	}
	s.sitecast("distribute", "app@1", "--all")
	for _, tb := range tabs {
		tb.until("a tab to be complete", complete)
	}
	s.until("the agents to be complete", "app", 0, func(f site.FlowView) bool { return f.State == site.StateComplete })
	s.wantOneCopy(size, 1.02)
}

// Where a browser keeps pages from devices of the local network no link comes up, and
// nothing says so. The page is a group of its own then, and fetches for itself.
func TestATabThatMayNotReachTheLocalNetworkTakesFromTheOriginAndSaysSo(t *testing.T) {
	long(t)
	const size = 4 * mib
	s := open(t, oneSite(2, 50), size)
	_, err := s.StartAgent(s.ctx, 0, 0)
	s.must(err)
	s.sitecast("distribute", "app@1", "--all", "--wait")
	public := "--ip-address-space-overrides=" + s.lab.Origin.IP().String() + ":8443=public"
	tb := s.browse(1, t.TempDir(), "--enable-features=LocalNetworkAccessChecksWebRTC", public)
	tb.until("the tab to be complete", complete)
	tb.notes("local network")
	if origin := tb.bytes("origin"); origin != size {
		t.Errorf("%d of %d bytes came from the origin", origin, size)
	}
}
