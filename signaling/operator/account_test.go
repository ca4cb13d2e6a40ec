package operator_test

import (
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/operator"
	"github.com/sitecast/sitecast/storage/catalog"
)

// as is the terminal of somebody with another token.
func (s *stand) as(token string) operator.Remote {
	s.t.Helper()
	r := s.remote
	r.TokenFile, r.CAFile = filepath.Join(s.t.TempDir(), "token"), filepath.Join(s.data, "ca.pem")
	s.must(os.WriteFile(r.TokenFile, []byte(token), 0o600))
	return r
}

// TestATokenIsForItsSites makes one on the command line, uses it and revokes it.
func TestATokenIsForItsSites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.end()
		s.run(operator.SiteCreate{Remote: s.remote, Name: "shop-1"})
		s.run(operator.SiteCreate{Remote: s.remote, Name: "shop-2"})
		s.published("app", "1")
		granted := operator.Granted{Role: "operator", Site: []string{"shop-1"}}
		token := s.run(operator.TokenCreate{Remote: s.remote, Granted: granted, Name: "till-support", TTL: time.Hour})
		if !strings.HasPrefix(token, "sca1.") || strings.Count(token, "\n") != 1 {
			t.Errorf("token create printed %q, want a token and nothing else", token)
		}
		theirs := s.as(token)
		if sites := decode[[]catalog.Site](t, s.run(operator.SiteList{Remote: theirs, JSON: true})); len(sites) != 1 || sites[0].Name != "shop-1" {
			t.Errorf("they see %+v, want their site alone", sites)
		}
		s.run(operator.Distribute{Remote: theirs, Ref: "app@1", Site: []string{"shop-1"}, Priority: "normal"})
		for what, c := range map[string]command{
			"order it to another site": operator.Distribute{Remote: theirs, Ref: "app@1", Site: []string{"shop-2"}, Priority: "normal"},
			"order it to all":          operator.Distribute{Remote: theirs, Ref: "app@1", All: true, Priority: "normal"},
			"pause everything":         operator.Pause{Remote: theirs},
			"make a token":             operator.TokenCreate{Remote: theirs, Granted: granted, Name: "more"},
			"read the audit log":       operator.Audit{Remote: theirs, Limit: 1},
		} {
			if err := c.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "may") {
				t.Errorf("%s: got %v, want that it is refused and why", what, err)
			}
		}
		list := s.run(operator.TokenList{Remote: s.remote})
		if !strings.Contains(list, "till-support") || !strings.Contains(list, "shop-1") || strings.Contains(list, strings.TrimSpace(token)) {
			t.Errorf("token list printed %q", list)
		}
		if all := decode[[]api.TokenView](t, s.run(operator.TokenList{Remote: s.remote, JSON: true})); len(all) != 2 || all[1].Name != "till-support" || all[1].Used.IsZero() {
			t.Errorf("token list --json printed %+v", all)
		}
		if got := s.run(operator.TokenRevoke{Remote: s.remote, Name: "till-support"}); !strings.Contains(got, "Revoked token till-support") {
			t.Errorf("token revoke printed %q", got)
		}
		if err := (operator.SiteList{Remote: theirs}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "no valid API token") {
			t.Errorf("with the revoked token: %v", err)
		}
		if err := (operator.TokenRevoke{Remote: s.remote, Name: "till-support"}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "token list") {
			t.Errorf("revoked again: %v", err)
		}
	})
}

func TestAccountsAreInvitedAndListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.end()
		link := s.run(operator.AccountInvite{Remote: s.remote, Granted: operator.Granted{Role: "admin"}, Name: "anna"})
		if !strings.HasPrefix(link, "https://"+serverAddr+"/invite?token=") || strings.Count(link, "\n") != 1 {
			t.Errorf("operator invite printed %q, want a link and nothing else", link)
		}
		if got := s.run(operator.AccountList{Remote: s.remote, JSON: true}); len(decode[[]catalog.Operator](t, got)) != 0 {
			t.Errorf("before it is accepted: %q", got)
		}
		for what, c := range map[string]command{
			"set":    operator.AccountSet{Remote: s.remote, Granted: operator.Granted{Role: "viewer"}, Name: "anna"},
			"remove": operator.AccountRemove{Remote: s.remote, Name: "anna"},
		} {
			if err := c.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "anna") {
				t.Errorf("%s of nobody: %v", what, err)
			}
		}
		for _, wrong := range []operator.AccountInvite{{Name: "a b"}, {Name: "oidc:1"}, {Name: "anna", Granted: operator.Granted{Site: []string{"x", "x"}}}} {
			if wrong.Validate() == nil {
				t.Errorf("%+v is accepted", wrong)
			}
		}
	})
}

// TestTheAuditLogIsCheckedFromOutside also by who noted where it ended.
func TestTheAuditLogIsCheckedFromOutside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		defer s.end()
		s.run(operator.SiteCreate{Remote: s.remote, Name: "shop-1"})
		printed := strings.Fields(s.run(operator.Audit{Remote: s.remote, Verify: true}))
		expect := printed[len(printed)-1]
		s.run(operator.SiteCreate{Remote: s.remote, Name: "shop-2"})
		s.run(operator.Audit{Remote: s.remote, Verify: true, Expect: expect})
		if got := s.run(operator.Audit{Remote: s.remote, Limit: 1}); !strings.Contains(got, "create site") || !strings.Contains(got, "shop-2") || strings.Count(got, "\n") != 2 {
			t.Errorf("audit printed %q", got)
		}
		lines := strings.Split(strings.TrimSpace(s.run(operator.Audit{Remote: s.remote, JSON: true})), "\n")
		var e catalog.Entry
		if err := json.Unmarshal([]byte(lines[0]), &e); err != nil || e.Target != "shop-2" || e.Agent != "sitecast" || len(lines) < 3 {
			t.Errorf("audit --json printed %q", lines)
		}
		// Who has the database writes it anew, with hashes that fit.
		db, err := sql.Open("sqlite", filepath.Join(s.data, "sitecast.db"))
		s.must(err)
		defer db.Close()
		_, err = db.Exec(`DROP TRIGGER audit_unaltered; DROP TRIGGER audit_complete; UPDATE audit SET who = 'nobody' WHERE id = 2`)
		s.must(err)
		if err := (operator.Audit{Remote: s.remote, Verify: true}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "entry 2") {
			t.Errorf("an altered entry: %v", err)
		}
		_, err = db.Exec(`DELETE FROM audit WHERE id > 1`)
		s.must(err)
		if err := (operator.Audit{Remote: s.remote, Verify: true}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "ends with entry 1") {
			t.Errorf("entries that are gone: %v", err)
		}
	})
}

func TestFlagsOfTheAuditLogAreChecked(t *testing.T) {
	hash := strings.Repeat("ab", 32)
	for _, c := range []struct {
		audit operator.Audit
		good  bool
	}{{operator.Audit{}, true}, {operator.Audit{Limit: -1}, false}, {operator.Audit{Expect: "1:" + hash}, false}, {operator.Audit{Verify: true, Expect: "1:" + hash}, true},
		{operator.Audit{Verify: true, Expect: "0:" + hash}, false}, {operator.Audit{Verify: true, Expect: hash}, false}, {operator.Audit{Verify: true, Expect: "1:ab"}, false}} {
		if err := c.audit.Validate(); (err == nil) != c.good {
			t.Errorf("%+v: %v", c.audit, err)
		}
	}
}
