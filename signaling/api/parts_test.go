package api_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"testing"
	"testing/iotest"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/storage/blob/partial"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/pack"
)

// newPartStand is a stand that keeps what came of uploads.
func newPartStand(t *testing.T) *stand {
	t.Helper()
	return newStand(t, func(cfg *api.Config) {
		parts, err := partial.Open(filepath.Join(t.TempDir(), "uploads"), cfg.Objects)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = parts.Close() })
		cfg.Parts = parts
	})
}

// part sends a part of an object.
func (s *stand) part(digest content.Digest, size, offset int, body io.Reader) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodPatch, "/api/v1/objects/"+digest.String(), body)
	r.Header.Set("Authorization", "Bearer "+s.tokens[catalog.RoleOperator])
	r.Header.Set(api.OffsetHeader, strconv.Itoa(offset))
	r.Header.Set(api.LengthHeader, strconv.Itoa(size))
	return s.do(r)
}

// held asks how much of an object is there.
func (s *stand) held(digest content.Digest) (offset string, complete string) {
	s.t.Helper()
	w := s.as(catalog.RoleViewer, http.MethodHead, "/api/v1/objects/"+digest.String(), nil)
	if w.Code != http.StatusOK {
		s.t.Fatalf("answered %d", w.Code)
	}
	return w.Header().Get(api.OffsetHeader), w.Header().Get(api.CompleteHeader)
}

func TestAnUploadGoesOnWhereItWasInterrupted(t *testing.T) {
	s := newPartStand(t)
	v := newVersion(t, content.Ref{Name: "app", Version: "1"})
	size := len(v.pack)
	want := func(offset, complete string) {
		t.Helper()
		if o, c := s.held(v.digest); o != offset || c != complete {
			t.Fatalf("%s bytes are there, complete: %s; want %s, %s", o, c, offset, complete)
		}
	}
	want("0", "false")
	broken := io.MultiReader(bytes.NewReader(v.pack[:100]), iotest.ErrReader(io.ErrUnexpectedEOF))
	w := s.part(v.digest, size, 0, broken)
	wantProblem(t, w, http.StatusRequestTimeout, "timeout")
	want("100", "false")
	for _, offset := range []int{0, 99, 101, size} {
		wantProblem(t, s.part(v.digest, size, offset, bytes.NewReader(v.pack[offset:])), http.StatusConflict, "wrong_offset")
	}
	want("100", "false")
	if w := s.part(v.digest, size, 100, bytes.NewReader(v.pack[100:300])); w.Code != http.StatusNoContent || w.Header().Get(api.OffsetHeader) != "300" || w.Header().Get(api.CompleteHeader) != "false" {
		t.Errorf("a part answered %d %v", w.Code, w.Header())
	}
	if w := s.part(v.digest, size, 300, bytes.NewReader(v.pack[300:])); w.Code != http.StatusNoContent || w.Header().Get(api.CompleteHeader) != "true" {
		t.Errorf("the rest answered %d %v", w.Code, w.Header())
	}
	want("0", "true")
	if has, err := s.catalog.HasPack(t.Context(), v.digest); !has || err != nil {
		t.Errorf("its chunks are not known (%v)", err)
	}
	if noted, err := s.catalog.Unused(t.Context()); len(noted) != 1 || noted[0].Object != v.digest || err != nil {
		t.Errorf("noted %+v (%v), want that no version names it yet", noted, err)
	}
}

func TestAPartThatCanNotBeIsRefused(t *testing.T) {
	s := newPartStand(t)
	object := []byte("an object")
	digest := content.Sum(object)
	wantProblem(t, s.part(digest, len(object), 0, bytes.NewReader([]byte("an objecT"))), http.StatusUnprocessableEntity, "invalid")
	wantProblem(t, s.part(digest, len(object), 0, bytes.NewReader([]byte("an object and more"))), http.StatusUnprocessableEntity, "invalid")
	wantProblem(t, s.part(digest, pack.MaxBytes+1, 0, bytes.NewReader(object)), http.StatusRequestEntityTooLarge, "too_large")
	wantProblem(t, s.part(digest, 4, 5, bytes.NewReader(object)), http.StatusUnprocessableEntity, "invalid")
	wantProblem(t, s.part(digest, len(object), -1, bytes.NewReader(object)), http.StatusUnprocessableEntity, "invalid")
	wantProblem(t, s.as(catalog.RoleOperator, http.MethodPatch, "/api/v1/objects/abc", "x"), http.StatusUnprocessableEntity, "invalid")
	if offset, complete := s.held(digest); offset != "0" || complete != "false" {
		t.Errorf("%s bytes are there, complete: %s; want nothing of what was refused", offset, complete)
	}
	if w := s.part(digest, len(object), 0, bytes.NewReader(object)); w.Code != http.StatusNoContent {
		t.Errorf("the object answered %d %s", w.Code, w.Body)
	}
	without := newStand(t)
	wantProblem(t, without.part(digest, len(object), 0, bytes.NewReader(object)), http.StatusNotImplemented, "not_resumable")
}
