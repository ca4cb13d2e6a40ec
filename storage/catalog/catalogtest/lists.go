package catalogtest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
)

// lists are the tests of catalog.Lists and catalog.Answers.
var lists = map[string]func(*testing.T, catalog.Catalog){
	"sites are found by how their names begin":   sitesByPrefix,
	"endpoints are found by site, kind and text": endpointsByText,
	"contents are listed with their newest":      contentsAreListed,
	"versions are listed, the newest first":      versionsAreListed,
	"distributions are listed, the newest first": distributionsAreListed,
	"the audit log is searched":                  auditIsSearched,
	"everything is counted":                      everythingIsCounted,
	"no value is a part of a statement":          valuesAreNoStatements,
	"an answer is kept for a while":              answersAreKept,
}

func sitesByPrefix(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop-1", "shop-12", "shop-2", "shopping", "Shop-1", "shop", "depot")
	by := func(prefix string) func(ctx context.Context, after string, limit int) ([]catalog.Site, error) {
		return func(ctx context.Context, after string, limit int) ([]catalog.Site, error) {
			return c.FindSites(ctx, catalog.SitesQuery{Prefix: prefix, After: after, Limit: limit})
		}
	}
	name := func(s catalog.Site) string { return s.Name }
	for prefix, want := range map[string][]string{
		"":       {"Shop-1", "depot", "shop", "shop-1", "shop-12", "shop-2", "shopping"},
		"shop-":  {"shop-1", "shop-12", "shop-2"},
		"shop-1": {"shop-1", "shop-12"},
		"S":      {"Shop-1"},
		"%":      {},
	} {
		wantStrings(t, "sites that begin with "+prefix, pages(t, 2, name, by(prefix)), want)
	}
	names, err := c.SiteNames(t.Context(), "shop", 3)
	must(t, err)
	wantStrings(t, "names from shop on", names, []string{"shop", "shop-1", "shop-12"})
}

func endpointsByText(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "a", "b")
	now := time.Now()
	for i, e := range []catalog.Endpoint{{Name: "Till-1", Device: "kiosk"}, {Name: "till_2", Device: "agent"}, {Name: "50% off", Device: "agent"}, {Name: `C:\till`, Device: "agent"}, {Name: "Ärger", Device: "agent"}} {
		e.ID, e.Key = "e"+strconv.Itoa(i), []byte{byte(i)}
		token := catalog.Enrolment{ID: e.ID, Site: []string{"a", "b"}[i%2], SecretHash: []byte("hash"), Uses: 1, Expires: now.Add(time.Hour)}
		must(t, c.CreateEnrolment(t.Context(), who, token))
		_, err := c.Enrol(t.Context(), token.ID, token.SecretHash, e, now)
		must(t, err)
	}
	for _, x := range []struct {
		q    catalog.EndpointsQuery
		want []string
	}{
		{catalog.EndpointsQuery{}, []string{"e0", "e1", "e2", "e3", "e4"}},
		{catalog.EndpointsQuery{Site: "b"}, []string{"e1", "e3"}},
		{catalog.EndpointsQuery{Text: "TILL"}, []string{"e0", "e1", "e3"}},
		{catalog.EndpointsQuery{Text: "till", Site: "a"}, []string{"e0"}},
		{catalog.EndpointsQuery{Text: "KIOSK"}, []string{"e0"}},
		{catalog.EndpointsQuery{Device: "agent"}, []string{"e1", "e2", "e3", "e4"}},
		{catalog.EndpointsQuery{Text: "_"}, []string{"e1"}},
		{catalog.EndpointsQuery{Text: "%"}, []string{"e2"}},
		{catalog.EndpointsQuery{Text: `\`}, []string{"e3"}},
		{catalog.EndpointsQuery{Text: "Ärger"}, []string{"e4"}},
		{catalog.EndpointsQuery{Text: "l_2", After: "e1"}, []string{}},
	} {
		got := pages(t, 2, func(e catalog.Endpoint) string { return e.ID }, func(ctx context.Context, after string, limit int) ([]catalog.Endpoint, error) {
			q := x.q
			q.After, q.Limit = max(after, q.After), limit
			return c.FindEndpoints(ctx, q)
		})
		wantStrings(t, fmt.Sprintf("endpoints of %+v", x.q), got, x.want)
	}
}

func contentsAreListed(t *testing.T, c catalog.Catalog) {
	publish(t, c, "app", "1")
	publish(t, c, "film", "1")
	newest := publish(t, c, "app", "2")
	_, err := c.Reserve(t.Context(), who, "app", "3") // not published
	must(t, err)
	_, err = c.Reserve(t.Context(), who, "nothing", "1")
	must(t, err)
	all, err := c.Contents(t.Context(), catalog.ContentsQuery{})
	must(t, err)
	newest.Placement = nil
	if len(all) != 2 || all[0].Name != "app" || all[0].Versions != 2 || !reflect.DeepEqual(all[0].Newest, newest) || all[1].Name != "film" || all[1].Versions != 1 {
		t.Errorf("got %+v, want app with 2 versions, the newest %+v, and film", all, newest)
	}
	some, err := c.Contents(t.Context(), catalog.ContentsQuery{After: "app", Limit: 1})
	must(t, err)
	if len(some) != 1 || some[0].Name != "film" {
		t.Errorf("behind app got %+v, want film", some)
	}
	if some, err = c.Contents(t.Context(), catalog.ContentsQuery{Prefix: "ap"}); err != nil || len(some) != 1 {
		t.Errorf("beginning with ap got %+v (%v), want app", some, err)
	}
}

func versionsAreListed(t *testing.T, c catalog.Catalog) {
	one := publish(t, c, "app", "1")
	publish(t, c, "film", "1")
	publish(t, c, "app", "2")
	_, err := c.Reserve(t.Context(), who, "app", "3")
	must(t, err)
	of := func(before uint64, limit int) (names []string) {
		all, err := c.VersionsOf(t.Context(), "app", before, limit)
		must(t, err)
		for _, v := range all {
			names = append(names, v.Version)
			if v.Placement != nil || len(v.Head) == 0 {
				t.Errorf("got %+v, want a head and no placement", v)
			}
		}
		return names
	}
	wantStrings(t, "versions", of(0, 0), []string{"2", "1"})
	wantStrings(t, "the newest", of(0, 1), []string{"2"})
	wantStrings(t, "before 1", of(one.Serial, 0), nil)
}

func distributionsAreListed(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "a", "b")
	publish(t, c, "app", "1")
	publish(t, c, "app", "2")
	publish(t, c, "film", "1")
	distribute(t, c, catalog.Distribution{Name: "app", Version: "1", Sites: []string{"b", "a"}, Priority: "normal"})
	distribute(t, c, catalog.Distribution{Name: "film", Version: "1", All: true, Priority: "low", PreStage: 2})
	distribute(t, c, catalog.Distribution{Name: "app", Version: "2", Sites: []string{"b"}, Priority: "high"})
	for _, x := range []struct {
		q    catalog.DistributionsQuery
		want string
	}{
		{catalog.DistributionsQuery{}, "3 app@2 1; 2 film@1 0; 1 app@1 2; "},
		{catalog.DistributionsQuery{Content: "app"}, "3 app@2 1; 1 app@1 2; "},
		{catalog.DistributionsQuery{Content: "app", Version: "1"}, "1 app@1 2; "},
		{catalog.DistributionsQuery{Sites: []string{"a"}}, "2 film@1 0; 1 app@1 2; "},
		{catalog.DistributionsQuery{Before: 3, Limit: 1}, "2 film@1 0; "},
		{catalog.DistributionsQuery{Sites: []string{"c"}}, "2 film@1 0; "},
		{catalog.DistributionsQuery{Content: "app", Sites: []string{"c", "a"}, Limit: 9}, "1 app@1 2; "},
	} {
		all, err := c.FindDistributions(t.Context(), x.q)
		must(t, err)
		got := ""
		for _, d := range all {
			got += fmt.Sprintf("%d %s@%s %d; ", d.ID, d.Name, d.Version, d.SiteCount)
			if d.Sites != nil || d.All != (d.Name == "film") || !near(d.Created) {
				t.Errorf("got %+v", d)
			}
		}
		if got != x.want {
			t.Errorf("of %+v got %q, want %q", x.q, got, x.want)
		}
	}
	one, err := c.Distribution(t.Context(), 1)
	must(t, err)
	wantStrings(t, "sites of the first", one.Sites, []string{"a", "b"})
	_, err = c.Distribution(t.Context(), 4)
	wantErr(t, "a fourth", err, catalog.ErrNotFound)
}

func auditIsSearched(t *testing.T, c catalog.Catalog) {
	must(t, c.Note(t.Context(), "ann", "pause", "everything at Shop-1", ""))
	must(t, c.Note(t.Context(), "bob", "pause", "everything at shop-2", ""))
	must(t, c.Note(t.Context(), "ann", "publish", "app@1", ""))
	for _, x := range []struct {
		q    catalog.AuditQuery
		want []string
	}{
		{catalog.AuditQuery{}, []string{"app@1", "everything at shop-2", "everything at Shop-1"}},
		{catalog.AuditQuery{By: "ann"}, []string{"app@1", "everything at Shop-1"}},
		{catalog.AuditQuery{Action: "pause", Limit: 1}, []string{"everything at shop-2"}},
		{catalog.AuditQuery{Text: "SHOP-1"}, []string{"everything at Shop-1"}},
		{catalog.AuditQuery{Before: 2}, []string{"everything at Shop-1"}},
		{catalog.AuditQuery{Since: time.Now().Add(time.Hour)}, nil},
		{catalog.AuditQuery{Until: time.Now().Add(-time.Hour)}, nil},
	} {
		all, err := c.FindAudit(t.Context(), x.q)
		must(t, err)
		var got []string
		for _, e := range all {
			got = append(got, e.Target)
		}
		wantStrings(t, fmt.Sprintf("%+v", x.q), got, x.want)
	}
}

func everythingIsCounted(t *testing.T, c catalog.Catalog) {
	n, err := c.Counts(t.Context())
	must(t, err)
	if n != (catalog.Counts{}) {
		t.Errorf("of nothing got %+v", n)
	}
	Fill(t, c)
	publish(t, c, "film", "1")
	_, err = c.Reserve(t.Context(), who, "film", "2")
	must(t, err)
	if n, err = c.Counts(t.Context()); n != (catalog.Counts{Sites: 2, Endpoints: 2, Contents: 2, Versions: 3}) || err != nil {
		t.Errorf("got %+v (%v)", n, err)
	}
}

// Hostile is text that would do harm if it became part of a statement.
var Hostile = []string{`' OR '1'='1`, `'; DROP TABLE sites; --`, `" OR 1=1`, `\'; DELETE FROM audit; --`, `$1`, `?`, `%`, `_`, `\`, "a\x00b", "\xff", `') UNION SELECT hash, name, role, 0 FROM tokens --`}

// valuesAreNoStatements holds that hostile text finds nothing and changes nothing.
func valuesAreNoStatements(t *testing.T, c catalog.Catalog) {
	Fill(t, c)
	before := Read(t, c)
	ctx := t.Context()
	for _, text := range Hostile {
		for what, find := range map[string]func() (int, error){
			"sites": func() (int, error) {
				rows, err := c.FindSites(ctx, catalog.SitesQuery{Prefix: text})
				return len(rows), err
			},
			"endpoints of a site": func() (int, error) {
				rows, err := c.FindEndpoints(ctx, catalog.EndpointsQuery{Site: text})
				return len(rows), err
			},
			"endpoints of a kind": func() (int, error) {
				rows, err := c.FindEndpoints(ctx, catalog.EndpointsQuery{Device: text})
				return len(rows), err
			},
			"endpoints": func() (int, error) {
				rows, err := c.FindEndpoints(ctx, catalog.EndpointsQuery{Text: text})
				return len(rows), err
			},
			"contents": func() (int, error) {
				rows, err := c.Contents(ctx, catalog.ContentsQuery{Prefix: text})
				return len(rows), err
			},
			"versions": func() (int, error) {
				rows, err := c.VersionsOf(ctx, text, 0, 0)
				return len(rows), err
			},
			"distributions": func() (int, error) {
				rows, err := c.FindDistributions(ctx, catalog.DistributionsQuery{Content: text, Sites: []string{text, "a"}})
				return len(rows), err
			},
			"audit": func() (int, error) {
				rows, err := c.FindAudit(ctx, catalog.AuditQuery{By: text, Text: text})
				return len(rows), err
			},
		} {
			if n, err := find(); n != 0 || err != nil {
				t.Errorf("%s by %q: got %d rows (%v), want none", what, text, n, err)
			}
		}
		for _, after := range []func() error{
			func() error { _, err := c.FindSites(ctx, catalog.SitesQuery{After: text}); return err },
			func() error { _, err := c.SiteNames(ctx, text, 1); return err },
			func() error { _, err := c.FindEndpoints(ctx, catalog.EndpointsQuery{After: text}); return err },
			func() error { _, err := c.Contents(ctx, catalog.ContentsQuery{After: text}); return err },
		} {
			must(t, after())
		}
		_, err := c.Answer(ctx, text)
		wantErr(t, "an answer", err, catalog.ErrNotFound)
	}
	if after := Read(t, c); !reflect.DeepEqual(after, before) {
		t.Errorf("got %+v, want what was there before: %+v", after, before)
	}
}

func answersAreKept(t *testing.T, c catalog.Catalog) {
	ctx, now := t.Context(), time.Date(2026, 4, 1, 6, 0, 0, 0, time.UTC)
	want := catalog.Answer{ID: "a", Digest: "d", Sealed: []byte{0, 255, 1}, Created: now}
	must(t, c.KeepAnswer(ctx, catalog.Answer{ID: "a", Digest: "of yesterday", Sealed: []byte("x"), Created: now.Add(-time.Hour)}))
	must(t, c.KeepAnswer(ctx, want))
	if got, err := c.Answer(ctx, "a"); !reflect.DeepEqual(got, want) || err != nil {
		t.Errorf("got %+v (%v), want %+v", got, err, want)
	}
	_, err := c.Answer(ctx, "b")
	wantErr(t, "another", err, catalog.ErrNotFound)
	for i := range 5 {
		must(t, c.KeepAnswer(ctx, catalog.Answer{ID: strconv.Itoa(i), Created: now.Add(time.Duration(i) * time.Minute)}))
	}
	must(t, c.DropAnswers(ctx, now.Add(time.Minute), 3))
	var left []string
	for _, id := range []string{"a", "0", "1", "2", "3", "4"} {
		if _, err := c.Answer(ctx, id); err == nil {
			left = append(left, id)
		}
	}
	if want := []string{"2", "3", "4"}; !slices.Equal(left, want) {
		t.Errorf("left are %q, want %q", left, want)
	}
}
