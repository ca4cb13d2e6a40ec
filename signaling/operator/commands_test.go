package operator_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/operator"
	"github.com/sitecast/sitecast/signaling/wire"
)

// wantKeys checks that an object has the members that scripts rely on.
func wantKeys(t *testing.T, what string, object map[string]any, keys ...string) {
	t.Helper()
	for _, key := range keys {
		if _, ok := object[key]; !ok {
			t.Errorf("%s %v lacks %q", what, object, key)
		}
	}
}

// published makes a folder and publishes it.
func (s *stand) published(name, version string) string {
	s.t.Helper()
	folder := filepath.Join(s.t.TempDir(), "folder")
	s.must(os.MkdirAll(filepath.Join(folder, "sub"), 0o700))
	s.must(os.WriteFile(filepath.Join(folder, "a.txt"), []byte(strings.Repeat("alpha ", 20_000)), 0o600))
	s.must(os.WriteFile(filepath.Join(folder, "sub", "b.txt"), []byte(name+version), 0o600))
	return s.run(operator.Publish{Remote: s.remote, Path: folder, Name: name, Version: version, Key: filepath.Join(s.data, "keys", "publisher.key")})
}

// TestAnOperatorsDay goes through the commands as a script would.
func TestAnOperatorsDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		if got, want := s.run(operator.SiteCreate{Remote: s.remote, Name: "shop-1", CIDR: []string{"10.1.0.0/16"}, TZ: "Europe/Berlin"}),
			"Created site shop-1. Next: sitecast enrol --site shop-1\n"; got != want {
			t.Errorf("site create printed %q, want %q", got, want)
		}
		s.run(operator.SiteCreate{Remote: s.remote, Name: "shop-2"})
		token := s.run(operator.Enrol{Remote: s.remote, Site: "shop-1", Uses: 2, TTL: time.Hour})
		if _, err := wire.ParseEnrolToken(token); err != nil || strings.Count(token, "\n") != 1 {
			t.Errorf("enrol printed %q, want a token and nothing else: %v", token, err)
		}
		first := s.published("app", "1")
		if !strings.HasSuffix(first, "\napp@1\n") || !strings.Contains(first, "Made a publisher key: "+filepath.Join(s.data, "keys", "publisher.key")) {
			t.Errorf("publish printed %q, want where the key lies, and app@1 at the end", first)
		}
		if again := s.published("app", "2"); strings.Contains(again, "publisher key") || !strings.HasSuffix(again, "\napp@2\n") {
			t.Errorf("the second publish printed %q, want app@2 at the end and nothing of keys", again)
		}
		if got, want := s.run(operator.Distribute{Remote: s.remote, Ref: "app@2", Site: []string{"shop-2", "shop-1", "shop-2"}, Priority: "normal"}),
			"Ordered app@2 to shop-1, shop-2.\n"; got != want {
			t.Errorf("distribute printed %q, want %q", got, want)
		}
		s.wantFlows("shop-1 app@2 waiting normal", "shop-2 app@2 waiting normal")
		s.run(operator.Pause{Remote: s.remote, Selector: operator.Selector{Site: "shop-1"}})
		s.run(operator.Prioritize{Remote: s.remote, Content: "app@2", Site: "shop-2", Priority: "high"})
		s.wantFlows("shop-1 app@2 paused normal", "shop-2 app@2 waiting high")
		if got, want := s.run(operator.Resume{Remote: s.remote, Selector: operator.Selector{Site: "shop-1"}}), "Resumed everything at shop-1.\n"; got != want {
			t.Errorf("resume printed %q, want %q", got, want)
		}
		s.wantFlows("shop-1 app@2 waiting normal", "shop-2 app@2 waiting high")
		app := operator.Kept{Content: "app", Site: "shop-2"}
		if got := s.run(operator.Pin{Remote: s.remote, Kept: app, For: time.Hour}); !strings.HasPrefix(got, "Pinned app at shop-2 until ") {
			t.Errorf("pin printed %q", got)
		}
		purge := operator.Purge{Remote: s.remote, Kept: operator.Kept{Content: "app@2"}}
		if err := purge.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "sitecast unpin") {
			t.Errorf("a purge of what is pinned got %v, want to be told to unpin it", err)
		}
		if got, want := s.run(operator.Unpin{Remote: s.remote, Kept: operator.Kept{Content: "app"}}), "Unpinned app everywhere.\n"; got != want {
			t.Errorf("unpin printed %q, want %q", got, want)
		}
		purge.Site = "shop-2"
		if got := s.run(purge); !strings.HasPrefix(got, "Purged app@2 at shop-2 (generation ") {
			t.Errorf("purge printed %q", got)
		}
		s.wantFlows("shop-1 app@2 waiting normal")
		s.run(operator.Distribute{Remote: s.remote, Ref: "app@2", Site: []string{"shop-2"}, Priority: "normal"})
		s.wantFlows("shop-1 app@2 waiting normal", "shop-2 app@2 waiting high")
		s.run(operator.Cap{Remote: s.remote, Site: "shop-1", WAN: 5e6})
		sites := decode[[]map[string]any](t, s.run(operator.SiteList{Remote: s.remote, JSON: true}))
		if len(sites) != 2 || sites[0]["cap_bytes_per_second"] != 625e3 || sites[1]["cap_bytes_per_second"] != -1.0 {
			t.Errorf("sites are %v, want shop-1 capped at 5 Mbit/s", sites)
		}
		show := s.run(operator.SiteShow{Remote: s.remote, Name: "shop-1"})
		for _, part := range []string{"WAN cap 5.0 Mbit/s", "10.1.0.0/16", "app@2", "LAST SEEN"} {
			if !strings.Contains(show, part) {
				t.Errorf("site show printed %q, want %q in it", show, part)
			}
		}
		holdOff, never := 8*time.Second, time.Duration(0)
		if got, want := s.run(operator.SiteSet{Remote: s.remote, Name: "shop-1", HoldOff: &holdOff}), "Hold-off of shop-1: 8s\n"; got != want {
			t.Errorf("site set printed %q, want %q", got, want)
		}
		if show := s.run(operator.SiteShow{Remote: s.remote, Name: "shop-1"}); !strings.Contains(show, "hold-off 8s") {
			t.Errorf("site show printed %q, want the hold-off in it", show)
		}
		s.run(operator.SiteSet{Remote: s.remote, Name: "shop-1", HoldOff: &never})
		if got, want := s.run(operator.SiteSet{Remote: s.remote, Name: "shop-1", Replicas: new(2)}), "Copies kept at shop-1: 2\n"; got != want {
			t.Errorf("site set printed %q, want %q", got, want)
		}
		if show := s.run(operator.SiteShow{Remote: s.remote, Name: "shop-1"}); !strings.Contains(show, "copies kept 2") {
			t.Errorf("site show printed %q, want the copies in it", show)
		}
		if got := decode[map[string]any](t, s.run(operator.SiteShow{Remote: s.remote, Name: "shop-1", JSON: true})); got["replicas"] != 2.0 {
			t.Errorf("site show --json printed %v, want the copies in it", got)
		}
		for text, on := range map[string][]string{"10.12.0.0/16 fd00:12::/32": {"10.12.0.0/16", "fd00:12::/32"}, "any": {"any"}} {
			if got, want := s.run(operator.SiteSet{Remote: s.remote, Name: "shop-1", PeersOn: on}), "Links at shop-1 go over: "+text+"\n"; got != want {
				t.Errorf("site set printed %q, want %q", got, want)
			}
			if show := s.run(operator.SiteShow{Remote: s.remote, Name: "shop-1"}); !strings.Contains(show, "links over "+text) {
				t.Errorf("site show printed %q, want the networks of its links in it", show)
			}
		}
		sites = decode[[]map[string]any](t, s.run(operator.SiteList{Remote: s.remote, JSON: true}))
		if sites[0]["hold_off_ms"] != 0.0 || sites[0]["cap_bytes_per_second"] != 625e3 {
			t.Errorf("sites are %v, want no hold-off and the cap as it was", sites)
		}
		none := operator.NoRate
		s.run(operator.SiteSet{Remote: s.remote, Name: "shop-1", WAN: &none})
		if list := s.run(operator.SiteList{Remote: s.remote}); strings.Contains(list, "Mbit") {
			t.Errorf("site list printed %q, want no cap", list)
		}
		s.end()
	})
}

func TestALinkIsPrintedAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.run(operator.SiteCreate{Remote: s.remote, Name: "shop-1"})
		s.published("app", "1")
		link := operator.Link{Remote: s.remote, Content: "app@1", Site: "shop-1", TTL: time.Hour}
		page, token, _ := strings.Cut(s.run(link), "#")
		if page != "https://"+serverAddr+"/get/app@1" || strings.Count(token, "\n") != 1 || strings.Count(token, ".") != 2 {
			t.Errorf("link printed %s#%s", page, token)
		}
		link.Origin, link.And = "https://intranet.example", []string{"app"}
		if got := s.run(link); strings.Contains(got, "/") || strings.Count(got, "\n") != 1 || strings.Count(got, ".") != 2 {
			t.Errorf("link --origin printed %q, want a token", got)
		}
		var made api.MadeBrowserToken
		enrol, err := wire.ParseEnrolToken(s.run(operator.Enrol{Remote: s.remote, Site: "shop-1", Uses: 1, TTL: time.Hour}))
		link.JSON = true
		if err := errors.Join(err, json.Unmarshal([]byte(s.run(link)), &made)); err != nil || made.Trust != "sha256-"+base64.StdEncoding.EncodeToString(enrol.Root) {
			t.Errorf("link --json printed %+v, want the root's digest %x (%v)", made, enrol.Root, err)
		}
		link.Content = "film"
		if err := link.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "not found") {
			t.Errorf("a link to nothing: %v", err)
		}
		for what, spoilt := range map[string]operator.Link{
			"no content": {Site: "shop-1", TTL: time.Hour}, "no site": {Content: "app", TTL: time.Hour}, "no time": {Content: "app", Site: "shop-1"},
			"for ever": {Content: "app", Site: "shop-1", TTL: 31 * 24 * time.Hour}, "a page": {Content: "app", Site: "shop-1", TTL: time.Hour, Origin: "https://x/y"},
		} {
			if spoilt.Validate() == nil {
				t.Errorf("%s: no error", what)
			}
		}
		s.end()
	})
}

// wantFlows checks what `flows --json` prints: an array whose members have what
// CLI.md lists.
func (s *stand) wantFlows(want ...string) {
	s.t.Helper()
	cmd := operator.Flows{Remote: s.remote, JSON: true}
	s.run(cmd) // starts the sites' loops
	synctest.Wait()
	got := []string{}
	for _, f := range decode[[]map[string]any](s.t, s.run(cmd)) {
		wantKeys(s.t, "flow", f, "site", "content", "version", "state", "priority", "endpoints", "complete", "bytes_total", "bytes_origin",
			"bytes_peer", "bytes_relay", "bytes_reused", "wan_bps", "peer_bps", "eta_seconds", "paused_by")
		got = append(got, strings.Join([]string{f["site"].(string), f["content"].(string) + "@" + f["version"].(string),
			f["state"].(string), f["priority"].(string)}, " "))
	}
	if !slices.Equal(got, want) {
		s.t.Errorf("flows are %q, want %q", got, want)
	}
}

func TestNothingIsAnEmptyArray(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		for _, c := range []command{operator.Flows{Remote: s.remote, JSON: true}, operator.Endpoints{Remote: s.remote, JSON: true},
			operator.SiteList{Remote: s.remote, JSON: true}} {
			if got := s.run(c); got != "[]\n" {
				t.Errorf("%T printed %q, want []", c, got)
			}
		}
		for _, c := range []command{operator.Flows{Remote: s.remote}, operator.Endpoints{Remote: s.remote}} {
			if got := s.run(c); !strings.Contains(got, "sitecast ") {
				t.Errorf("%T printed %q, want what to do next", c, got)
			}
		}
		s.end()
	})
}

func TestResumeSaysWhatGoesOnPausing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.run(operator.SiteCreate{Remote: s.remote, Name: "shop-1"})
		s.published("app", "1")
		s.run(operator.Pause{Remote: s.remote, Selector: operator.Selector{Content: "app@1"}})
		err := operator.Resume{Remote: s.remote, Selector: operator.Selector{Site: "shop-1", Content: "app@1"}}.Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "stays paused") || !strings.Contains(err.Error(), "sitecast resume --content app@1") {
			t.Errorf("resuming a part of what is paused: %v, want an error that says how to resume it", err)
		}
		// What the selection and a rule have in common stays paused, and is told.
		got := s.run(operator.Resume{Remote: s.remote, Selector: operator.Selector{Site: "shop-1"}})
		if !strings.Contains(got, "app@1 everywhere") || !strings.Contains(got, "sitecast resume --content app@1") {
			t.Errorf("resuming a site whose content is paused printed %q, want what goes on pausing there", got)
		}
		if got, want := s.run(operator.Resume{Remote: s.remote, Selector: operator.Selector{Content: "app"}}), "Resumed app everywhere.\n"; got != want {
			t.Errorf("resume printed %q, want %q", got, want)
		}
		s.end()
	})
}

func TestPublishingWhatIsPublishedSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.published("app", "1")
		file := filepath.Join(t.TempDir(), "app.bin")
		s.must(os.WriteFile(file, []byte("other"), 0o600))
		key := filepath.Join(s.data, "keys", "publisher.key")
		err := operator.Publish{Remote: s.remote, Path: file, Name: "app", Version: "1", Key: key}.Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "published already") {
			t.Errorf("publishing app@1 again: %v, want that it is published", err)
		}
		link := filepath.Join(t.TempDir(), "folder")
		s.must(os.Mkdir(link, 0o700))
		s.must(os.Symlink("/etc/passwd", filepath.Join(link, "passwords")))
		err = operator.Publish{Remote: s.remote, Path: link, Name: "app", Version: "3", Key: key}.Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "passwords") {
			t.Errorf("publishing a link out of the folder: %v, want an error that names it", err)
		}
		temp := t.TempDir()
		s.run(operator.Publish{Remote: s.remote, Path: file, Name: "app", Version: "4", Key: key, TempDir: temp})
		if left, err := os.ReadDir(temp); err != nil || len(left) != 0 {
			t.Errorf("publish left %v, %v", left, err)
		}
		s.end()
	})
}

func TestCommandsRefuseWhatCannotBe(t *testing.T) {
	for _, c := range []interface{ Validate() error }{
		operator.SiteCreate{Name: "a b"}, operator.SiteCreate{Name: "shop", CIDR: []string{"10.0.0.1"}}, operator.SiteCreate{},
		operator.SiteShow{Name: ".."}, operator.SiteSet{Name: "shop"}, operator.SiteSet{Name: "shop", HoldOff: new(time.Duration(-1))},
		operator.SiteSet{Name: "shop", HoldOff: new(25 * time.Hour)}, operator.SiteSet{Name: "shop", Replicas: new(-1)}, operator.SiteSet{Name: "shop", Replicas: new(65)}, operator.SiteSet{Name: "shop", PeersOn: []string{"10.12.0.0"}}, operator.SiteSet{Name: "shop", PeersOn: []string{"any", "10.12.0.0/16"}}, operator.SiteSet{Name: "a/b", WAN: new(operator.Rate)},
		operator.Enrol{Site: "shop", Uses: 0, TTL: time.Hour}, operator.Enrol{Site: "shop", Uses: 1, TTL: time.Millisecond},
		operator.Publish{Path: ".", Name: "a b", Version: "1"}, operator.Publish{Path: ".", Name: "app", Version: ""},
		operator.Distribute{Ref: "app@1"}, operator.Distribute{Ref: "app@1", All: true, Site: []string{"shop"}}, operator.Distribute{Ref: "app", All: true},
		operator.Distribute{Ref: "app@1", All: true, ReadyBy: readyBy(t, "2020-01-01T06:00:00Z")}, operator.Distribute{Ref: "app@1", All: true, ReadyBy: readyBy(t, "9000h")},
		operator.Flows{Content: "a b"}, operator.Pause{}, operator.Resume{}, operator.Pause{Selector: operator.Selector{Content: "@1"}},
		operator.Distribute{Ref: "app@1", All: true, PreStage: -1}, operator.Distribute{Ref: "app@1", All: true, PreStage: 65},
		operator.Pin{}, operator.Unpin{}, operator.Purge{Kept: operator.Kept{Content: "a b"}},
		operator.Pin{Kept: operator.Kept{Content: "app"}, For: -1}, operator.Prioritize{Content: "app@"}, operator.Prioritize{Content: ""}, operator.Cap{Site: "a b"},
		operator.Pause{Selector: operator.Selector{Site: "shop", Everywhere: true}}, operator.Pause{Selector: operator.Selector{Site: "shop"}, Lasting: operator.Lasting{For: -1}},
		operator.Pause{Selector: operator.Selector{Site: "shop"}, Lasting: operator.Lasting{For: time.Hour, Until: readyBy(t, "6h")}},
		operator.Pause{Selector: operator.Selector{Site: "shop"}, Lasting: operator.Lasting{Reason: "a\nb"}}, operator.Cap{}, operator.Cap{Site: "shop", Everywhere: true},
		operator.Cap{Site: "shop", WAN: operator.NoRate, Lasting: operator.Lasting{For: time.Hour}}, operator.Prioritize{Site: "shop", Everywhere: true},
	} {
		if err := c.Validate(); err == nil {
			t.Errorf("%#v is accepted", c)
		}
	}
}

func TestACommandThatCannotSpeakToTheServerSaysWhatToDo(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("sca1.x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*operator.Remote)
		want   string
	}{
		"no token":           {func(r *operator.Remote) { r.TokenFile = "" }, "--token-file"},
		"no such token":      {func(r *operator.Remote) { r.TokenFile = filepath.Join(t.TempDir(), "none") }, "none"},
		"no URL":             {func(r *operator.Remote) { r.Server = "10.0.0.1:443" }, "--server"},
		"plain http":         {func(r *operator.Remote) { r.Server = "http://10.0.0.1" }, "--insecure-http"},
		"a CA that is none":  {func(r *operator.Remote) { r.CAFile = token }, "PEM"},
		"nobody listens":     {func(r *operator.Remote) { r.Dial = refuse(syscall.ECONNREFUSED) }, "is the server running"},
		"the network is off": {func(r *operator.Remote) { r.Dial = refuse(syscall.ENETUNREACH) }, "unreachable"},
	} {
		r := operator.Remote{Server: "https://10.0.0.1", TokenFile: token, Dial: refuse(errors.New("dialed"))}
		c.change(&r)
		err := operator.SiteList{Remote: r}.Run(context.Background())
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
	}
}

func TestAServersCertificateIsCheckedAgainstItsCA(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		elsewhere := filepath.Join(t.TempDir(), "token")
		text, err := os.ReadFile(s.remote.TokenFile)
		s.must(err)
		s.must(os.WriteFile(elsewhere, text, 0o600))
		r := s.remote
		r.TokenFile = elsewhere // no ca.pem beside it
		if err := (operator.SiteList{Remote: r}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "--ca-file") {
			t.Errorf("without the CA: %v, want an error that names --ca-file", err)
		}
		r.CAFile = filepath.Join(s.data, "ca.pem")
		s.run(operator.SiteList{Remote: r})
		s.must(os.WriteFile(elsewhere, []byte("sca1.wrong"), 0o600))
		if err := (operator.SiteList{Remote: r}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "admin.token") {
			t.Errorf("with a wrong token: %v, want the server's hint", err)
		}
		s.end()
	})
}

func TestAnEmptyFileCanBePublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		file := filepath.Join(t.TempDir(), "empty.bin")
		s.must(os.WriteFile(file, nil, 0o600))
		got := s.run(operator.Publish{Remote: s.remote, Path: file, Name: "empty", Version: "1", Key: filepath.Join(s.data, "publisher.key")})
		if !strings.HasSuffix(got, "\nempty@1\n") {
			t.Errorf("publishing an empty file printed %q", got)
		}
		s.end()
	})
}

// TestAnInterruptedPublishSendsOnlyTheRest: what arrived is not sent again.
func TestAnInterruptedPublishSendsOnlyTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.published("app", "1")
		if sent := s.err.take(); !strings.Contains(sent, "Uploading") {
			t.Errorf("the first publish showed %q, want an upload", sent)
		}
		folder := filepath.Join(t.TempDir(), "again")
		s.must(os.MkdirAll(filepath.Join(folder, "sub"), 0o700))
		s.must(os.WriteFile(filepath.Join(folder, "a.txt"), []byte(strings.Repeat("alpha ", 20_000)), 0o600))
		s.must(os.WriteFile(filepath.Join(folder, "sub", "b.txt"), []byte("app1"), 0o600))
		s.run(operator.Publish{Remote: s.remote, Path: folder, Name: "app", Version: "1-again", Key: filepath.Join(s.data, "keys", "publisher.key")})
		if sent := s.err.take(); strings.Contains(sent, "Uploading") {
			t.Errorf("publishing the same bytes showed %q, want no upload", sent)
		}
		s.end()
	})
}

func TestResumeTellsOfFlowsThatWereHalted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFake(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				_, _ = w.Write([]byte(`{"released":2}`))
				return
			}
			_, _ = w.Write([]byte(`[]`))
		})
		got := s.run(operator.Resume{Remote: s.remote, Selector: operator.Selector{Site: "shop-1"}})
		if want := "Flows that go on after they were halted: 2. What they take over the WAN is counted anew.\n"; got != want {
			t.Errorf("resume printed %q, want %q", got, want)
		}
		s.end()
	})
}
