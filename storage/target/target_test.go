package target_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/storage/target"
)

var store = target.Site{Name: "store-12", TZ: "Europe/Berlin", Tags: []string{"emea", "pilot"}}

func TestQueriesMeanSites(t *testing.T) {
	for query, want := range map[string]bool{
		"all":                          true,
		"not all":                      false,
		"tag:emea":                     true,
		"tag:apac":                     false,
		"not tag:apac":                 true,
		"tag:emea and not tag:pilot":   false,
		"tag:apac or name:store-1*":    true,
		"name:store-12":                true,
		"name:store-1":                 false,
		"name:*-12":                    true,
		"name:s*o*12":                  true,
		"name:s*x*12":                  false,
		"name:store-12*":               true,
		"name:*":                       true,
		"name:*2*2":                    false,
		"tz:Europe/*":                  true,
		"tz:America/*":                 false,
		"NOT tag:apac AND tz:Europe/*": true,
		// "and" binds more than "or", "not" more than both.
		"tag:emea or tag:apac and tag:apac":       true,
		"(tag:emea or tag:apac) and tag:apac":     false,
		"not tag:apac or tag:emea and not all":    true,
		"not (tag:apac or tag:emea)":              false,
		"tag:emea and not tag:pilot or name:sto*": true,
	} {
		q, err := target.Parse(query)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		if got := q.Means(store); got != want {
			t.Errorf("%s: got %t, want %t", query, got, want)
		}
		again, err := target.Parse(q.String())
		if err != nil || again.String() != q.String() || again.Means(store) != want {
			t.Errorf("%s is written %q, and read from it as %q (%v)", query, q, again, err)
		}
	}
}

func TestNoQueryMeansNobody(t *testing.T) {
	if (target.Query{}).Means(store) || (target.Query{}).String() != "" || (target.Query{}).Tags() != nil {
		t.Error("the zero query means somebody")
	}
	if target.Tag("emea").String() != "tag:emea" {
		t.Errorf("got %s", target.Tag("emea"))
	}
	if (target.Site{Name: "shop"}).TZ != "" {
		t.Fatal("it has a time zone")
	}
	if q, _ := target.Parse("tz:*"); q.Means(target.Site{Name: "shop"}) {
		t.Error("a site without a time zone has one")
	}
}

func TestTagsOfAQueryAreListed(t *testing.T) {
	q, err := target.Parse("not (tag:b and tag:a) or tag:b and name:x*")
	if got := q.Tags(); err != nil || !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %q (%v)", got, err)
	}
}

func TestBadQueriesSayWhatToDo(t *testing.T) {
	for query, want := range map[string]string{
		"":                            "it ends where a term should stand",
		"tag:a and":                   "it ends where a term should stand",
		"tag:a tag:b":                 `put "and" or "or" before it`,
		"tag:":                        "after the colon",
		"tag:a*":                      "named in full",
		"site:a":                      "is no term",
		"all:x":                       "is no term",
		"(tag:a":                      "not closed",
		"tag:a)":                      "comes after the end",
		"name:*" + "a*b*c*d*e*f*g*h*": "stars",
		"name:\x00":                   "after the colon",
		strings.Repeat("not ", target.MaxDepth+1) + "all":                                       "deep",
		"all" + strings.Repeat(" or all", target.MaxTerms):                                      "terms",
		"name:" + strings.Repeat("x", target.MaxBytes):                                          "limit 1000",
		strings.Repeat("(", target.MaxDepth+1) + "all" + strings.Repeat(")", target.MaxDepth+1): "deep",
	} {
		if _, err := target.Parse(query); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: got %v, want %q", query, err, want)
		}
	}
}

// FuzzParse: whatever is read is bounded, and written so that the same is read again.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"all", "tag:emea and not tag:pilot or name:store-1*", "not (tz:Europe/* or tag:a) and all", "((name:*a*))", "not not all"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := target.Parse(text)
		if err != nil {
			return
		}
		again, err := target.Parse(q.String())
		if err != nil || again.String() != q.String() {
			t.Fatalf("%q is written %q, and read from it as %q (%v)", text, q, again, err)
		}
		if again.Means(store) != q.Means(store) {
			t.Fatalf("%q means another site once it is written", text)
		}
	})
}
