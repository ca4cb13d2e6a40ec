package api_test

import (
	"crypto/ed25519"
	"net/http"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

func TestVersionsSayWhoSignedThemAndWhatTheyNeed(t *testing.T) {
	s := newStand(t)
	first := s.published("app", "1")
	second := s.published("app", "2")
	var out []api.VersionDetail
	s.call("GET", "/contents/app/details", nil, &out)
	if len(out) != 2 || out[0].Version != "2" || out[0].Before != "1" || out[1].Before != "" {
		t.Fatalf("got %+v", out)
	}
	if n := out[0].NewBytes; n == nil || *n != int64(len(second.plain)) || out[0].PatchBytes != nil {
		t.Errorf("the second needs %v (patched %v), want all its %d bytes: nothing of it is in the first", n, out[0].PatchBytes, len(second.plain))
	}
	if out[1].NewBytes != nil || out[1].Endpoints != 0 {
		t.Errorf("the first is shown as %+v", out[1])
	}
	for i, v := range []*version{second, first} {
		if want := (content.Signer{Key: content.KeyID(v.key.Public().(ed25519.PublicKey)), Name: "tester", State: content.SignerValid}); out[i].Signer != want {
			t.Errorf("%s: signed by %+v, want %+v", out[i].Version, out[i].Signer, want)
		}
	}
	s.call("DELETE", "/publishers/"+out[1].Signer.Key+"?reason=stolen", nil, nil)
	var page []api.VersionDetail
	s.call("GET", "/contents/app/details?limit=1", nil, &page)
	if len(page) != 1 || page[0].Before != "1" || page[0].NewBytes == nil {
		t.Errorf("a page of one is %+v", page)
	}
	s.call("GET", "/contents/app/details", nil, &out)
	if out[1].Signer.State != content.SignerRevoked || out[0].Signer.State != content.SignerValid {
		t.Errorf("after the first's key was revoked: %+v and %+v", out[0].Signer, out[1].Signer)
	}
	wantProblem(t, s.as(viewer, "GET", "/api/v1/contents/nothing/details", nil), http.StatusNotFound, "not_found")
}

func TestAForecastSaysWhatADistributionComesTo(t *testing.T) {
	s := newStand(t)
	newTags(s)
	two := s.published("app", "2")
	in := api.NewDistribution{Name: "app", Version: "2", All: true, Priority: wire.Normal, ReadyBy: time.Now().Add(time.Hour),
		Rings: []api.NewRing{{Name: "emea", Target: "tag:emea", SoakSeconds: 7200}, {Name: "others", Target: "rest"}}}
	var out api.ForecastView
	s.call("POST", "/distributions/forecast", in, &out)
	if out.Sites != 2 || out.Offline != 2 || out.Bytes != 2*int64(len(two.plain)) || out.Misses != 0 || len(out.Rows) != 2 || out.Rows[0].Ring != "emea" {
		t.Errorf("got %+v, want both sites, offline, with all bytes", out)
	}
	if o, err := s.catalog.Orders(t.Context(), "shop-1"); len(o.Distributions) != 0 || err != nil {
		t.Errorf("a forecast ordered %+v (%v)", o.Distributions, err)
	}
	in.Target = "tag:emea"
	if w := s.as(operator, "POST", "/api/v1/distributions/forecast", in); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("two ways to say where: got %d", w.Code)
	}
	in.All, in.Target, in.Version = true, "", "9"
	wantProblem(t, s.as(operator, "POST", "/api/v1/distributions/forecast", in), http.StatusNotFound, "not_found")
}
