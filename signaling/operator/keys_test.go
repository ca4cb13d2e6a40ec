package operator_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/signaling/operator"
	"github.com/sitecast/sitecast/signaling/site"
)

// key is how publisher list --json shows one.
type key struct{ ID, Name, State string }

func (s *stand) keys() []key {
	s.t.Helper()
	return decode[[]key](s.t, s.run(operator.PublisherList{Remote: s.remote, JSON: true}))
}

// newKey makes a key, and returns its file.
func (s *stand) newKey(name string) string {
	s.t.Helper()
	file := filepath.Join(s.data, name)
	s.must(operator.PublisherKey{Remote: s.remote, File: file}.Run())
	s.out.take()
	return file
}

// flow is the only one there is.
func (s *stand) flow() site.FlowView {
	s.t.Helper()
	synctest.Wait()
	flows := decode[[]site.FlowView](s.t, s.run(operator.Flows{Remote: s.remote, JSON: true}))
	if len(flows) != 1 {
		s.t.Fatalf("flows %+v", flows)
	}
	return flows[0]
}

// fails runs a command that must not succeed.
func (s *stand) fails(c command, want string) {
	s.t.Helper()
	if err := c.Run(s.t.Context()); err == nil || !strings.Contains(err.Error(), want) {
		s.t.Errorf("%T: %v, want %q", c, err, want)
	}
	s.out.take()
}

func (s *stand) add(name, file string) operator.PublisherAdd {
	c := operator.PublisherAdd{Name: name, Key: file}
	c.Remote = s.remote
	return c
}

func (s *stand) revocation(key string) operator.PublisherRevoke {
	c := operator.PublisherRevoke{Key: key, Reason: "laptop stolen"}
	c.Remote = s.remote
	return c
}

// TestARevokedKeyIsReplacedAndNothingMoves is the runbook for a publisher's key.
func TestARevokedKeyIsReplacedAndNothingMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.run(operator.SiteCreate{Remote: s.remote, Name: "shop"})
		s.published("till", "1")
		s.run(operator.Distribute{Remote: s.remote, Ref: "till@1", All: true, Priority: "normal"})
		old := s.keys()
		if len(old) != 1 || old[0].State != "valid" {
			t.Fatalf("keys %+v", old)
		}
		if f := s.flow(); f.State != "waiting" {
			t.Errorf("the flow is %s: %s", f.State, f.Reason)
		}
		s.run(s.revocation(old[0].ID[:10]))
		if f := s.flow(); f.State != "paused" || f.PausedBy != "the key of "+old[0].Name+" was revoked (sitecast resign)" {
			t.Errorf("the flow is %s by %q", f.State, f.PausedBy)
		}
		folder := t.TempDir()
		s.must(os.WriteFile(filepath.Join(folder, "a"), []byte("forged"), 0o600))
		used := filepath.Join(s.data, "keys", "publisher.key")
		s.fails(operator.Publish{Remote: s.remote, Path: folder, Name: "till", Version: "2", Key: used}, "revoked")
		s.fails(s.add("ana", used), "revoked")
		s.fails(operator.Resign{Remote: s.remote, Versions: []string{"till@1"}, Key: used}, "trust document")

		file := s.newKey("new.key")
		s.run(s.add("ana", file+".pub"))
		before := s.stored()
		if got := s.run(operator.Resign{Remote: s.remote, All: true, Key: file}); got != "till@1\n" {
			t.Errorf("resign printed %q", got)
		}
		if f := s.flow(); f.State != "waiting" || f.PausedBy != "" {
			t.Errorf("the flow is %s by %q", f.State, f.PausedBy)
		}
		if got := s.stored(); got != before {
			t.Errorf("the origin had %d bytes, and has %d", before, got)
		}
		s.fails(s.revocation(old[0].ID), "no key")
		table := s.run(operator.PublisherList{Remote: s.remote})
		if !strings.Contains(table, "ana") || !strings.Contains(table, "everything") || !strings.Contains(table, "revoked") {
			t.Errorf("the list is\n%s", table)
		}
		s.end()
	})
}

func TestAKeyIsRotatedAndTheOldOneEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.run(operator.SiteCreate{Remote: s.remote, Name: "shop"})
		first := s.newKey("first.key")
		add := s.add("ana", first) // the key itself: only its public half is sent
		add.Prefix = []string{"till"}
		s.run(add)
		rotate := operator.PublisherRotate{Old: "ana", Key: s.newKey("second.key") + ".pub", Overlap: time.Hour}
		rotate.Remote = s.remote
		if got := s.run(rotate); !strings.Contains(got, "trust document 3") {
			t.Errorf("rotate printed %q", got)
		}
		if keys := s.keys(); len(keys) != 2 || keys[0].State != "valid" || keys[1].State != "valid" || keys[1].Name != "ana" {
			t.Errorf("keys %+v", keys)
		}
		s.fails(rotate, "2 keys are called")
		time.Sleep(2 * time.Hour)
		if keys := s.keys(); keys[0].State != "expired" || keys[1].State != "valid" {
			t.Errorf("keys %+v after the old one ended", keys)
		}
		rotate.Overlap = -1
		if rotate.Validate() == nil {
			t.Error("a negative overlap was taken")
		}
		s.end()
	})
}

func TestTheRootKeySignsWhereItIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.end()
		safe := filepath.Join(t.TempDir(), "root.key")
		s.must(os.Rename(filepath.Join(s.data, "root.key"), safe))
		s.restart()
		file := s.newKey("publisher.key")
		s.fails(s.add("ana", file+".pub"), "--root-key")
		add := s.add("ana", file+".pub")
		add.RootKey = file
		s.fails(add, "is not the root key of this organisation")
		add.RootKey = filepath.Join(s.data, "none")
		if s.fails(add, "read the root key"); exists(add.RootKey) {
			t.Error("a root key was made")
		}
		add.RootKey = safe
		s.run(add)
		if keys := s.keys(); len(keys) != 1 || keys[0].Name != "ana" {
			t.Errorf("keys %+v", keys)
		}
		rotate := operator.PublisherRotate{Old: "ana", Key: s.newKey("second.key")}
		rotate.Remote, rotate.RootKey = s.remote, safe
		s.run(rotate)
		keys := s.keys()
		revoke := s.revocation(keys[0].ID)
		revoke.RootKey = safe
		s.run(revoke)
		if keys = s.keys(); len(keys) != 2 || keys[0].State != "valid" || keys[1].State != "revoked" {
			t.Errorf("keys %+v", keys)
		}
		s.end()
	})
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestWhatIsNoKeyIsTold(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "text")
	if err := os.WriteFile(file, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := credential.ReadPublic(file); err == nil || !strings.Contains(err.Error(), "PEM") {
		t.Errorf("%v", err)
	}
	if err := (operator.PublisherKey{File: file}).Run(); err == nil || !strings.Contains(err.Error(), "there already") {
		t.Errorf("%v", err)
	}
	for name, c := range map[string]operator.Resign{"nothing": {}, "both": {All: true, Versions: []string{"a@1"}}, "no version": {Versions: []string{"a"}}} {
		if c.Validate() == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestEndpointsAreRevokedAndRemovedByIdOrName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.run(operator.SiteCreate{Remote: s.remote, Name: "shop"})
		s.fails(operator.EndpointRevoke{Remote: s.remote, Endpoint: "till-1"}, "no endpoint is called")
		s.end()
	})
}

var _ command = operator.EndpointRemove{}

// restart starts the server again on what it had.
func (s *stand) restart() {
	s.t.Helper()
	next := newStandOn(s.t, s.data)
	*s = *next
}

func TestAllVersionsAreSignedAgainHoweverManyFlowsThereAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFake(t, func(w http.ResponseWriter, r *http.Request) {
			switch {
			case !strings.HasSuffix(r.URL.Path, "/flows"):
				refusal(w, http.StatusNotFound, "not_found")
			case r.URL.Query().Get("after") == "":
				w.Header().Set("Link", `</api/v1/flows?after=1>; rel="next"`)
				_, _ = w.Write([]byte("[]"))
			default:
				_, _ = w.Write([]byte(`[{"content":"till","version":"2"}]`))
			}
		})
		s.fails(operator.Resign{Remote: s.remote, All: true, Key: s.newKey("publisher.key")}, "sign till@2: ")
		s.end()
	})
}
