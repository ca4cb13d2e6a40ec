// Package catalogtest holds the tests that every catalog.Catalog must pass.
package catalogtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// who asks for changes in these tests.
const who = "tester"

// Run tests catalogs that open makes, each empty.
func Run(t *testing.T, open func(*testing.T) catalog.Catalog) {
	for group, tests := range map[string]map[string]func(*testing.T, catalog.Catalog){
		"places":   places,
		"policy":   policies,
		"keys":     keys,
		"networks": networkTests,
		"lists":    lists,
		"orders":   orderTests,
		"learned": {
			"what was learned of a site is kept":         learnedIsKept,
			"what was learned wrongly is refused":        learnedIsRefused,
			"no more lines of a site are kept than some": linesAreBounded,
		},
		"packs": {
			"a pack is added once, and its chunks found": packsAreKept,
			"a chunk stays where it was found first":     firstPackCounts,
			"patches are due of the newest versions":     patchesAreDue,
			"patches are of what most endpoints have":    patchesAreOfWhatMostHave,
			"patches of older versions are dropped":      oldPatchesAreDropped,
		},
		"settings": {
			"a token is found by its hash alone":       tokenIsFound,
			"a token's hash is taken once":             tokenConflict,
			"a setting is written over":                metaIsKept,
			"no setting reaches the generation":        metaSparesGeneration,
			"every change is audited":                  changesAreAudited,
			"a failed change is not audited":           failuresAreNotAudited,
			"the audit log is read in pages, backward": auditPages,
			"what is returned belongs to the caller":   returnedIsOwned,
			"an ended context changes nothing":         endedContext,
			"contexts that end leave whole changes":    contextsEndAnywhere,
			"of text that can't be there is nothing":   impossibleTextIsNotFound,
		},
		"at once":     concurrent,
		"removals":    removals,
		"operators":   operators,
		"proposals":   proposals,
		"externals":   externals,
		"daily":       daily,
		"activations": activations,
		"rollouts":    rollouts,
		"together":    together,
		"roaming":     roaming,
		"tagged":      tagged,
		"proposed":    proposed,
		"upkeep":      upkeep,
	} {
		t.Run(group, func(t *testing.T) {
			for name, test := range tests {
				t.Run(name, func(t *testing.T) {
					t.Parallel() // mostly waits for commits
					test(t, open(t))
				})
			}
		})
	}
}

// must stops the test where a step that is not its subject fails.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %q", what, got, want)
	}
}

// near says whether a time that the catalog took is that of now.
func near(at time.Time) bool {
	const slow = time.Minute
	age := time.Since(at)
	return -slow < age && age < slow
}

func createSites(t *testing.T, c catalog.Catalog, names ...string) {
	t.Helper()
	for _, name := range names {
		must(t, c.CreateSite(t.Context(), who, catalog.Site{Name: name, Cap: catalog.NoCap}))
	}
}

// enrolAt enrols an endpoint at a site by a token of its own.
func enrolAt(t *testing.T, c catalog.Catalog, site, id string, now time.Time) catalog.Endpoint {
	t.Helper()
	e := catalog.Enrolment{ID: site + "/" + id, Site: site, SecretHash: []byte("hash"), Uses: 1, Expires: now.Add(time.Hour)}
	must(t, c.CreateEnrolment(t.Context(), who, e))
	ep, err := c.Enrol(t.Context(), e.ID, e.SecretHash, endpoint(id), now)
	must(t, err)
	return ep
}

func endpoint(id string) catalog.Endpoint {
	return catalog.Endpoint{ID: id, Key: []byte("key of " + id), Name: "till " + id, Device: "linux/amd64"}
}

// publish reserves and publishes a version.
func publish(t *testing.T, c catalog.Catalog, name, version string) catalog.Version {
	t.Helper()
	serial, err := c.Reserve(t.Context(), who, name, version)
	must(t, err)
	v := versionOf(name, version, serial)
	must(t, c.Publish(t.Context(), who, v))
	return v
}

func versionOf(name, version string, serial uint64) catalog.Version {
	sum := content.Sum([]byte(name + "@" + version))
	// The head is signed: a catalog that formats it breaks the signature.
	return catalog.Version{Name: name, Version: version, Serial: serial, ID: content.VersionID(sum[:16]), Body: sum,
		Head: fmt.Appendf(nil, "{ \"z\":1,\n\t\"a\": \"<\\u00e9\u00e9>\", \"serial\":%d, \"z\":2 }", serial), Placement: []byte{0, 255, 1, 254}}
}

func distribute(t *testing.T, c catalog.Catalog, d catalog.Distribution) uint64 {
	t.Helper()
	generation, err := c.Distribute(t.Context(), who, d)
	must(t, err)
	return generation
}

func setRule(t *testing.T, c catalog.Catalog, kind, priority string, s catalog.Selector) uint64 {
	t.Helper()
	generation, err := c.SetRule(t.Context(), who, catalog.Rule{Selector: s, Kind: kind, Priority: priority})
	must(t, err)
	return generation
}

func orders(t *testing.T, c catalog.Catalog, site string) catalog.Orders {
	t.Helper()
	o, err := c.Orders(t.Context(), site)
	must(t, err)
	return o
}

// latest is the number of the newest audit entry, 0 before the first.
func latest(t *testing.T, c catalog.Catalog) int64 {
	t.Helper()
	entries, err := c.Audit(t.Context(), 0, 1)
	must(t, err)
	if len(entries) == 0 {
		return 0
	}
	return entries[0].ID
}

// pages reads a listing to its end, n at a time.
func pages[T any](t *testing.T, n int, key func(T) string, list func(ctx context.Context, after string, limit int) ([]T, error)) []string {
	t.Helper()
	all, after := []string{}, ""
	for {
		page, err := list(t.Context(), after, n)
		must(t, err)
		if len(page) > n {
			t.Fatalf("got a page of %d, want at most %d", len(page), n)
		}
		if page == nil {
			t.Error("got a nil page, want one that is [] in JSON")
		}
		for _, row := range page {
			all = append(all, key(row))
		}
		if len(page) == 0 {
			return all
		}
		if last := all[len(all)-1]; last <= after {
			t.Fatalf("page ends at %q, which is not after %q", last, after)
		}
		after = all[len(all)-1]
	}
}

func wantStrings(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// places are the tests of sites and endpoints.
var places = map[string]func(*testing.T, catalog.Catalog){
	"a site is kept as created":                  siteIsKept,
	"a site's name is taken once":                siteConflict,
	"a malformed site is refused":                siteMalformed,
	"sites are listed in pages by name":          sitePages,
	"no page is longer than the bound":           pageBound,
	"a cap is changed, and lifted":               capChanges,
	"a hold-off is changed, and ended":           holdOffChanges,
	"a number of copies is changed, and ended":   replicasChange,
	"networks of links are changed, and lifted":  peersOnChange,
	"a site's relay is changed, and ended":       relayChanges,
	"an enrolled endpoint is kept":               endpointIsKept,
	"enrolling again moves an endpoint":          endpointMoves,
	"another key can't take an endpoint's id":    endpointKeepsKey,
	"an enrolment that proves nothing is spent":  enrolmentRefused,
	"an enrolment needs its site and its own id": enrolmentMalformed,
	"endpoints are listed in pages by id":        endpointPages,
	"last seen moves forwards only":              lastSeen,
}

var orderTests = map[string]func(*testing.T, catalog.Catalog){
	"trust documents follow each other":           trustFollows,
	"a version is reserved, then published":       versionIsPublished,
	"a version is published once, as reserved":    publishConflicts,
	"the newest version of a content is named":    newestIsNamed,
	"serials rise over all contents":              serialsRise,
	"a distribution needs a version and its site": distributeMissing,
	"a failed distribution leaves nothing":        distributeFails,
	"orders name what was distributed to a site":  ordersOfSite,
	"a site may be named twice":                   distributeTwice,
	"the time it shall be ready by is kept":       readyByIsKept,
	"copies ahead of need are kept":               preStageIsKept,
	"a rule set again replaces the old":           ruleReplaces,
	"a pin expires, and a purge knows its orders": keepingIsKept,
	"rules end, cap, and say why":                 controlIsKept,
	"orders hold the rules that touch a site":     rulesOfSite,
	"a resume ends the rules it covers":           clearCovered,
	"a pause is resumed from where it was set":    pauseAndResume,
	"every change of desired state raises":        generationRises,
	"a failed change of desired state is no rise": generationStays,
}
