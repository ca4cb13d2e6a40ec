package origin_test

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/edge/origin"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/pack"
	"github.com/sitecast/sitecast/storage/patch"
)

// asPatches makes every other chunk of an object a patch to what it was before.
func (o object) asPatches(t *testing.T) (out object, older [][]byte) {
	t.Helper()
	for i, plain := range o.plain {
		was := slices.Clone(plain)
		was[len(was)/2] ^= 1
		older = append(older, was)
		part, encoded := o.parts[i], []byte(nil)
		if i%2 == 0 {
			var err error
			if encoded, err = pack.EncodePatch(plain, was, nil); err != nil {
				t.Fatal(err)
			}
			part.Encoding = uint8(pack.Patch)
		} else {
			var encoding pack.Encoding
			encoded, encoding = pack.Encode(plain, nil)
			part.Encoding = uint8(encoding)
		}
		part.Length = uint32(len(encoded))
		out.plain, out.parts, out.encoded = append(out.plain, plain), append(out.parts, part), append(out.encoded, encoded...)
	}
	return out, older
}

func fetchPatches(t *testing.T, c *origin.Client, o object, dictionary func(uint32) ([]byte, error)) (got [][]byte, err error) {
	t.Helper()
	err = c.FetchPatches(t.Context(), o.lease(), func(i uint32) uint32 { return uint32(len(o.plain[i])) }, dictionary,
		func(_ wire.Part, plain []byte) error {
			got = append(got, bytes.Clone(plain))
			return nil
		})
	return got, err
}

func TestPatchesArriveAsChunks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, older := newObject(6, 50_000).asPatches(t)
		got, err := fetchPatches(t, serve(t, o.handler), o, func(i uint32) ([]byte, error) { return older[i], nil })
		if err != nil {
			t.Fatal(err)
		}
		for i := range o.plain {
			if !bytes.Equal(got[i], o.plain[i]) {
				t.Errorf("chunk %d differs", i)
			}
		}
		if len(o.encoded) > 3000 {
			t.Errorf("patches of %d bytes, want next to nothing", len(o.encoded))
		}
	})
}

func TestPatchesThatCanNotBeUsedSaySo(t *testing.T) {
	noDictionary := errors.New("no such chunk")
	for name, c := range map[string]struct {
		answer     func(o object, w http.ResponseWriter, r *http.Request)
		dictionary error
		unusable   bool
		got        int
	}{
		"no dictionary": {answer: object.handler, dictionary: noDictionary, unusable: true},
		"damaged": {answer: func(o object, w http.ResponseWriter, r *http.Request) {
			damaged := slices.Clone(o.encoded)
			damaged[0] ^= 0xff
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(damaged))
		}, unusable: true},
		"not there":     {answer: func(_ object, w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }, unusable: true},
		"not any more":  {answer: func(_ object, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }},
		"just not now":  {answer: func(_ object, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }},
		"it is cut off": {answer: func(o object, w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }},
	} {
		synctest.Test(t, func(t *testing.T) {
			o, older := newObject(4, 10_000).asPatches(t)
			client := serve(t, func(w http.ResponseWriter, r *http.Request) { c.answer(o, w, r) })
			got, err := fetchPatches(t, client, o, func(i uint32) ([]byte, error) { return older[i], c.dictionary })
			if err == nil || errors.Is(err, patch.ErrUnusable) != c.unusable || len(got) != c.got {
				t.Errorf("%s: %d chunks and %v; unusable should be %v", name, len(got), err, c.unusable)
			}
			if c.dictionary != nil && !errors.Is(err, c.dictionary) {
				t.Errorf("%s: %v does not say why", name, err)
			}
		})
	}
}
