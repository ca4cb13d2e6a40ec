package catalogtest

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

var keys = map[string]func(*testing.T, catalog.Catalog){
	"a version is signed anew":                       versionIsResigned,
	"a revoked endpoint is listed and kept out":      revokedIsKeptOut,
	"a removed endpoint is gone, not its revocation": removedEndpointIsGone,
}

func versionIsResigned(t *testing.T, c catalog.Catalog) {
	ctx := t.Context()
	createSites(t, c, "shop")
	publish(t, c, "app", "1")
	before, err := c.Version(ctx, "app", "1")
	must(t, err)
	generation := orders(t, c, "shop").Generation
	must(t, c.Resign(ctx, who, "app", "1", before.ID, json.RawMessage(`{"signed": "anew"}`)))
	after, err := c.Version(ctx, "app", "1")
	must(t, err)
	if string(after.Head) != `{"signed": "anew"}` || after.ID != before.ID || after.Serial != before.Serial || after.Body != before.Body {
		t.Errorf("%+v became %+v", before, after)
	}
	if got := orders(t, c, "shop").Generation; got <= generation {
		t.Errorf("generation %d after %d", got, generation)
	}
	_, err = c.Reserve(ctx, who, "app", "2")
	must(t, err)
	for name, err := range map[string]error{
		"another id":     c.Resign(ctx, who, "app", "1", content.VersionID{9}, json.RawMessage(`{}`)),
		"only reserved":  c.Resign(ctx, who, "app", "2", content.VersionID{}, json.RawMessage(`{}`)),
		"not there":      c.Resign(ctx, who, "app", "3", before.ID, json.RawMessage(`{}`)),
		"other contents": c.Resign(ctx, who, "till", "1", before.ID, json.RawMessage(`{}`)),
	} {
		if !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("%s: %v, want not found", name, err)
		}
	}
	if err := c.Resign(ctx, who, "app", "1", before.ID, nil); err == nil {
		t.Error("a version lost its head")
	}
}

func revokedIsKeptOut(t *testing.T, c catalog.Catalog) {
	ctx := t.Context()
	createSites(t, c, "shop")
	begin := time.Date(2026, 11, 27, 6, 0, 0, 0, time.UTC)
	for _, id := range []string{"e1", "e2", "e3"} {
		enrolAt(t, c, "shop", id, begin)
	}
	first := catalog.Revocation{Endpoint: "e2", At: begin.Add(time.Hour), Reason: "stolen"}
	must(t, c.Revoke(ctx, who, first))
	must(t, c.Revoke(ctx, who, catalog.Revocation{Endpoint: "e2", At: begin.Add(2 * time.Hour), Reason: "again"}))
	must(t, c.Revoke(ctx, who, catalog.Revocation{Endpoint: "e1", At: begin}))
	if got, err := c.Revoked(ctx, "e2"); err != nil || got.Reason != first.Reason || !got.At.Equal(first.At) {
		t.Errorf("%+v, %v; want the first, %+v", got, err, first)
	}
	if _, err := c.Revoked(ctx, "e3"); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("e3: %v", err)
	}
	list, err := c.Revocations(ctx, "", 0)
	must(t, err)
	ids := func(list []catalog.Revocation) (ids []string) {
		for _, r := range list {
			ids = append(ids, r.Endpoint)
		}
		return ids
	}
	if got := ids(list); !slices.Equal(got, []string{"e1", "e2"}) {
		t.Errorf("revoked are %v", got)
	}
	list, err = c.Revocations(ctx, "e1", 5)
	must(t, err)
	if got := ids(list); !slices.Equal(got, []string{"e2"}) {
		t.Errorf("after e1 come %v", got)
	}
	if err := c.Revoke(ctx, who, catalog.Revocation{Endpoint: "nobody"}); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
	if err := c.Revoke(ctx, who, catalog.Revocation{Endpoint: "e3", Reason: strings.Repeat("x", catalog.MaxRevokeReason+1)}); err == nil {
		t.Error("a story was taken for a reason")
	}
	if err := enrolAgain(t, c, "shop", "e2", begin.Add(3*time.Hour)); !errors.Is(err, catalog.ErrRevoked) {
		t.Errorf("a revoked key enrolled again: %v", err)
	}
	must(t, enrolAgain(t, c, "shop", "e3", begin.Add(3*time.Hour)))
}

func removedEndpointIsGone(t *testing.T, c catalog.Catalog) {
	ctx := t.Context()
	createSites(t, c, "shop")
	begin := time.Date(2026, 11, 27, 6, 0, 0, 0, time.UTC)
	enrolAt(t, c, "shop", "e1", begin)
	enrolAt(t, c, "shop", "e2", begin)
	must(t, c.Revoke(ctx, who, catalog.Revocation{Endpoint: "e1", At: begin}))
	must(t, c.RemoveEndpoint(ctx, who, "e1"))
	must(t, c.RemoveEndpoint(ctx, who, "e2"))
	if left, err := c.Endpoints(ctx, "", "", 0); err != nil || len(left) > 0 {
		t.Errorf("%v, %v are left", left, err)
	}
	if err := c.RemoveEndpoint(ctx, who, "e1"); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("removed again: %v", err)
	}
	if err := enrolAgain(t, c, "shop", "e1", begin); !errors.Is(err, catalog.ErrRevoked) {
		t.Errorf("a revoked key enrolled after it was removed: %v", err)
	}
	must(t, enrolAgain(t, c, "shop", "e2", begin)) // was not revoked
}

// enrolAgain enrols an endpoint with another token.
func enrolAgain(t *testing.T, c catalog.Catalog, site, id string, now time.Time) error {
	t.Helper()
	e := catalog.Enrolment{ID: "again/" + id, Site: site, SecretHash: []byte("hash"), Uses: 1, Expires: now.Add(time.Hour)}
	must(t, c.CreateEnrolment(t.Context(), who, e))
	_, err := c.Enrol(t.Context(), e.ID, e.SecretHash, endpoint(id), now)
	return err
}
