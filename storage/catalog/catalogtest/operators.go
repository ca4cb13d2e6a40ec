package catalogtest

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
)

// operators are the tests of accounts, tokens and the chain of the audit log.
var operators = map[string]func(*testing.T, catalog.Catalog){
	"a token is kept as made, listed and revoked":      tokensAreRevoked,
	"an invitation makes an account, once":             inviteMakesAnAccount,
	"an invitation lets somebody in again":             inviteLetsInAgain,
	"a name that is chosen has to be free":             chosenNameIsFree,
	"a newer invitation replaces the older":            inviteReplaces,
	"the last admin of all sites stays one":            lastAdminStays,
	"a session ends when it idles, and with time":      sessionEnds,
	"a new password ends all sessions":                 passwordEndsSessions,
	"an account of another issuer is another":          vouchedByOne,
	"entries say what was before and after, and where": entriesSayWhatChanged,
	"the audit log is a chain that holds":              auditChainHolds,
	"it holds also when many write at once":            auditChainHoldsAtOnce,
}

var begin = time.Date(2026, 4, 1, 6, 0, 0, 0, time.UTC)

func invite(name, role string, sites ...string) catalog.Invite {
	return catalog.Invite{Hash: []byte("invites " + name), Name: name, Role: role, Sites: sites, Created: begin, Expires: begin.Add(catalog.InviteLife)}
}

// account makes one by an invitation.
func account(t *testing.T, c catalog.Catalog, name, role string, sites ...string) catalog.Operator {
	t.Helper()
	i := invite(name, role, sites...)
	i.Expires = time.Now().Add(time.Hour)
	must(t, c.PutInvite(t.Context(), who, i))
	o, err := c.Accept(t.Context(), i.Hash, "", "hash of "+name, begin)
	must(t, err)
	return o
}

// fillOperators is the part of Fill about accounts.
func fillOperators(t *testing.T, c catalog.Catalog) {
	t.Helper()
	account(t, c, "anna", catalog.RoleAdmin)
	must(t, c.Begin(t.Context(), catalog.Session{Hash: []byte("s"), Operator: "anna", Created: begin, Used: begin}))
	must(t, c.PutInvite(t.Context(), who, invite("ben", catalog.RoleOperator, FilledSite)))
	propose(t, c, "anna")
}

func tokensAreRevoked(t *testing.T, c catalog.Catalog) {
	ctx := t.Context()
	want := catalog.Token{Name: "board", Hash: []byte("a hash of its own"), Role: catalog.RoleViewer, Expires: begin, Sites: []string{"shop", "depot"}, By: "anna", Created: begin}
	must(t, c.PutToken(ctx, who, want))
	must(t, c.PutToken(ctx, who, catalog.Token{Name: "admin", Hash: []byte("another hash"), Role: catalog.RoleAdmin}))
	for _, at := range []time.Duration{0, time.Hour, -time.Hour} { // it only moves forwards
		must(t, c.TokenUsed(ctx, want.Hash, begin.Add(at)))
	}
	want.Used = begin.Add(time.Hour)
	list, err := c.Tokens(ctx)
	if err != nil || len(list) != 2 || list[0].Name != "admin" || !reflect.DeepEqual(list[1], want) {
		t.Errorf("got %+v (%v), want admin's and %+v", list, err, want)
	}
	must(t, c.RevokeToken(ctx, who, want.ID()))
	_, err = c.Token(ctx, want.Hash)
	wantErr(t, "a token that was revoked", err, catalog.ErrNotFound)
	wantErr(t, "revoke it again", c.RevokeToken(ctx, who, want.ID()), catalog.ErrNotFound)
	wantErr(t, "revoke nothing", c.RevokeToken(ctx, who, ""), catalog.ErrNotFound)
	if list, err := c.Tokens(ctx); len(list) != 1 || err != nil {
		t.Errorf("got %+v (%v), want the other one", list, err)
	}
}

func inviteMakesAnAccount(t *testing.T, c catalog.Catalog) {
	ctx, i := t.Context(), invite("anna", catalog.RoleOperator, "shop")
	i.Expires = time.Now().Add(time.Hour).Truncate(time.Millisecond).UTC()
	must(t, c.PutInvite(ctx, who, i))
	i.By = who
	if got, err := c.Invite(ctx, i.Hash, begin); !reflect.DeepEqual(got, i) || err != nil {
		t.Errorf("got %+v (%v), want %+v", got, err, i)
	}
	_, err := c.Invite(ctx, i.Hash, i.Expires)
	wantErr(t, "when it has expired", err, catalog.ErrNotFound)
	_, err = c.Invite(ctx, []byte("another"), begin)
	wantErr(t, "with another secret", err, catalog.ErrNotFound)
	want := catalog.Operator{Name: "anna", Role: catalog.RoleOperator, Sites: []string{"shop"}, Password: "hash", Created: begin}
	made, err := c.Accept(ctx, i.Hash, "somebody", "hash", begin)
	if !reflect.DeepEqual(made, want) || err != nil {
		t.Errorf("made %+v (%v), want %+v", made, err, want)
	}
	if got, err := c.Operator(ctx, "anna"); !reflect.DeepEqual(got, want) || err != nil {
		t.Errorf("got %+v (%v), want %+v", got, err, want)
	}
	_, err = c.Accept(ctx, i.Hash, "", "of a thief", begin)
	wantErr(t, "the second time", err, catalog.ErrNotFound)
	if list, err := c.Operators(ctx); len(list) != 1 || list[0].Password != "hash" || err != nil {
		t.Errorf("got %+v (%v), want one", list, err)
	}
}

func inviteLetsInAgain(t *testing.T, c catalog.Catalog) {
	ctx := t.Context()
	account(t, c, "anna", catalog.RoleAdmin)
	must(t, c.Begin(ctx, catalog.Session{Hash: []byte("s"), Operator: "anna", Created: begin, Used: begin}))
	account(t, c, "anna", catalog.RoleAdmin)
	_, _, err := c.Session(ctx, []byte("s"), begin)
	wantErr(t, "the session of before", err, catalog.ErrNotFound)
	i := invite("anna", catalog.RoleViewer)
	i.Expires = time.Now().Add(time.Hour)
	must(t, c.PutInvite(ctx, who, i))
	_, err = c.Accept(ctx, i.Hash, "", "hash", begin)
	wantErr(t, "as what leaves no admin", err, catalog.ErrConflict)
	if o, err := c.Operator(ctx, "anna"); o.Role != catalog.RoleAdmin || o.Password != "hash of anna" || err != nil {
		t.Errorf("got %+v (%v), want it as it was", o, err)
	}
}

func chosenNameIsFree(t *testing.T, c catalog.Catalog) {
	ctx := t.Context()
	account(t, c, "anna", catalog.RoleAdmin)
	i := invite("", catalog.RoleAdmin)
	i.Expires = time.Now().Add(time.Hour)
	must(t, c.PutInvite(ctx, who, i))
	_, err := c.Accept(ctx, i.Hash, "anna", "of a thief", begin)
	wantErr(t, "a name that is taken", err, catalog.ErrConflict)
	if o, err := c.Accept(ctx, i.Hash, "ben", "hash", begin); o.Name != "ben" || err != nil {
		t.Errorf("got %+v (%v)", o, err)
	}
}

func inviteReplaces(t *testing.T, c catalog.Catalog) {
	ctx, first, second := t.Context(), invite("anna", catalog.RoleViewer), invite("anna", catalog.RoleAdmin)
	first.Hash = []byte("first")
	first.Expires, second.Expires = time.Now().Add(time.Hour), time.Now().Add(time.Hour)
	must(t, c.PutInvite(ctx, who, first))
	must(t, c.PutInvite(ctx, who, second))
	_, err := c.Accept(ctx, first.Hash, "", "hash", begin)
	wantErr(t, "the older", err, catalog.ErrNotFound)
	if _, err := c.Accept(ctx, second.Hash, "", "hash", begin); err != nil {
		t.Error(err)
	}
}

func lastAdminStays(t *testing.T, c catalog.Catalog) {
	ctx := t.Context()
	account(t, c, "anna", catalog.RoleAdmin)
	account(t, c, "ben", catalog.RoleAdmin, "shop") // of some sites only
	account(t, c, "cleo", catalog.RoleViewer)
	for what, err := range map[string]error{
		"removed":           c.RemoveOperator(ctx, who, "anna"),
		"made an operator":  c.ChangeOperator(ctx, who, "anna", catalog.RoleOperator, nil),
		"held to some site": c.ChangeOperator(ctx, who, "anna", catalog.RoleAdmin, []string{"shop"}),
	} {
		wantErr(t, "the last admin, "+what, err, catalog.ErrConflict)
	}
	must(t, c.ChangeOperator(ctx, who, "ben", catalog.RoleAdmin, nil))
	must(t, c.ChangeOperator(ctx, who, "anna", catalog.RoleOperator, []string{"shop", "depot"}))
	if o, err := c.Operator(ctx, "anna"); o.Role != catalog.RoleOperator || len(o.Sites) != 2 || err != nil {
		t.Errorf("got %+v (%v)", o, err)
	}
	must(t, c.RemoveOperator(ctx, who, "anna"))
	must(t, c.RemoveOperator(ctx, who, "cleo"))
	wantErr(t, "the last one", c.RemoveOperator(ctx, who, "ben"), catalog.ErrConflict)
	wantErr(t, "nobody", c.RemoveOperator(ctx, who, "dora"), catalog.ErrNotFound)
	wantErr(t, "nobody", c.ChangeOperator(ctx, who, "dora", catalog.RoleAdmin, nil), catalog.ErrNotFound)
	wantErr(t, "nobody", c.SetPassword(ctx, who, "dora", "hash"), catalog.ErrNotFound)
}

func sessionEnds(t *testing.T, c catalog.Catalog) {
	ctx, hash := t.Context(), []byte("session")
	want := account(t, c, "anna", catalog.RoleAdmin)
	must(t, c.Begin(ctx, catalog.Session{Hash: hash, Operator: "anna", Created: begin, Used: begin}))
	want.LastLogin = begin
	for hour := range 3 {
		now := begin.Add(time.Duration(hour) * (catalog.SessionIdle - time.Second))
		s, o, err := c.Session(ctx, hash, now)
		if s.Operator != "anna" || !reflect.DeepEqual(o, want) || err != nil {
			t.Fatalf("got %+v, %+v (%v), want %+v", s, o, err, want)
		}
		must(t, c.SessionUsed(ctx, hash, now))
	}
	for what, now := range map[string]time.Time{
		"that idled": begin.Add(2*(catalog.SessionIdle-time.Second) + catalog.SessionIdle), "of long ago": begin.Add(catalog.SessionLife)} {
		_, _, err := c.Session(ctx, hash, now)
		wantErr(t, "a session "+what, err, catalog.ErrNotFound)
	}
	must(t, c.EndSession(ctx, hash))
	_, _, err := c.Session(ctx, hash, begin)
	wantErr(t, "after the log-out", err, catalog.ErrNotFound)
	wantErr(t, "a log-out again", c.EndSession(ctx, hash), catalog.ErrNotFound)
	wantErr(t, "a log-in of nobody", c.Begin(ctx, catalog.Session{Hash: hash, Operator: "ben", Created: begin, Used: begin}), catalog.ErrNotFound)
}

func passwordEndsSessions(t *testing.T, c catalog.Catalog) {
	ctx := t.Context()
	account(t, c, "anna", catalog.RoleAdmin)
	account(t, c, "ben", catalog.RoleViewer)
	for _, s := range []catalog.Session{{Hash: []byte("a1"), Operator: "anna"}, {Hash: []byte("a2"), Operator: "anna"}, {Hash: []byte("b"), Operator: "ben"}} {
		s.Created, s.Used = begin, begin
		must(t, c.Begin(ctx, s))
	}
	must(t, c.SetPassword(ctx, "anna", "anna", "new"))
	for _, hash := range []string{"a1", "a2"} {
		_, _, err := c.Session(ctx, []byte(hash), begin)
		wantErr(t, "session "+hash, err, catalog.ErrNotFound)
	}
	if _, o, err := c.Session(ctx, []byte("b"), begin); o.Name != "ben" || err != nil {
		t.Errorf("the session of another: got %+v (%v)", o, err)
	}
	if o, err := c.Operator(ctx, "anna"); o.Password != "new" || err != nil {
		t.Errorf("got %+v (%v)", o, err)
	}
}

func vouchedByOne(t *testing.T, c catalog.Catalog) {
	ctx := t.Context()
	o := catalog.Operator{Name: catalog.ForeignPrefix + "1", Title: "Anna", Role: catalog.RoleViewer, Issuer: "https://id.example"}
	must(t, c.Vouched(ctx, o))
	before := latest(t, c)
	must(t, c.Vouched(ctx, o)) // says nothing new
	if got := latest(t, c); got != before {
		t.Errorf("got entry %d for what changed nothing, want %d", got, before)
	}
	o.Role, o.Sites = catalog.RoleOperator, []string{"shop"}
	must(t, c.Vouched(ctx, o))
	if got, err := c.Operator(ctx, o.Name); got.Role != o.Role || len(got.Sites) != 1 || got.Title != "Anna" || err != nil {
		t.Errorf("got %+v (%v)", got, err)
	}
	o.Issuer, o.Role = "https://elsewhere.example", catalog.RoleAdmin
	wantErr(t, "another issuer", c.Vouched(ctx, o), catalog.ErrConflict)
}

func entriesSayWhatChanged(t *testing.T, c catalog.Catalog) {
	from := catalog.From{Address: "192.0.2.7", Via: "token 0123456789abcdef", Agent: "tester/1"}
	ctx := catalog.WithFrom(t.Context(), from)
	createSites(t, c, "shop")
	must(t, c.SetCap(ctx, who, "shop", 125_000))
	for _, priority := range []string{"high", "low"} {
		_, err := c.SetRule(ctx, who, catalog.Rule{Kind: catalog.RulePriority, Priority: priority, Selector: catalog.Selector{Name: "app"}})
		must(t, err)
	}
	entries, err := c.Audit(ctx, 0, 3)
	must(t, err)
	for i, want := range []struct{ before, after string }{
		{`"priority":"high"`, `"priority":"low"`}, {"", `"priority":"high"`}, {"", `{"wan_cap":"1mbit"}`}} {
		e := entries[i]
		if !strings.Contains(string(e.Before), want.before) || want.before == "" && e.Before != nil || !strings.Contains(string(e.After), want.after) || e.From != from {
			t.Errorf("got %s, from %s to %s by %+v, want from %q to %q by %+v", e.Action, e.Before, e.After, e.From, want.before, want.after, from)
		}
	}
}

// auditChainHolds also holds that a setting of another can't be put in place of the head.
func auditChainHolds(t *testing.T, c catalog.Catalog) {
	ctx := t.Context()
	if head, err := c.AuditHead(ctx); head != (catalog.AuditHead{}) || err != nil {
		t.Errorf("of an empty log: got head %+v (%v)", head, err)
	}
	for _, change := range changes {
		must(t, change.do(ctx, c))
	}
	list := func(ctx context.Context) func(int64) ([]catalog.Entry, error) {
		return func(before int64) ([]catalog.Entry, error) { return c.Audit(ctx, before, 3) }
	}
	head, err := c.AuditHead(ctx)
	must(t, err)
	got, err := catalog.VerifyAudit(list(ctx), head)
	if got != head || int(head.ID) != len(changes) || err != nil {
		t.Errorf("got head %+v (%v), want %+v", got, err, head)
	}
	if err := c.SetMeta(ctx, "audit_head", "{}"); err == nil {
		t.Error("the head was written over")
	}
	must(t, c.CreateSite(ctx, who, catalog.Site{Name: "later"}))
	if got, err := catalog.VerifyAudit(list(ctx), head); got.ID != head.ID+1 || err != nil {
		t.Errorf("later: got head %+v (%v)", got, err)
	}
}

func auditChainHoldsAtOnce(t *testing.T, c catalog.Catalog) {
	const each = 5
	atOnce(func(asker int) {
		for range each {
			if err := c.Note(t.Context(), who, "note", "asker", "by one of many"); err != nil {
				t.Error(err)
			}
		}
	})
	head, err := catalog.VerifyAudit(func(before int64) ([]catalog.Entry, error) { return c.Audit(t.Context(), before, 7) })
	if head.ID != askers*each || err != nil {
		t.Errorf("got head %+v (%v), want entry %d", head, err, askers*each)
	}
}
