package engine_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/external"
)

func TestTheEndOfALeaseSaysWhatOfTheOriginEndedIt(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"another file": {&external.ChangedError{Detail: "its ETag is another"}, wire.CodeExternal},
		"no answer":    {errors.New("no route"), wire.CodeOrigin},
		"bad bytes":    {nil, wire.CodeBadChunk}, // in place of the chunk's own
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newStand(t)
			defer func() { s.stop() }()
			s.want(s.flow)
			s.leaseBody()
			s.parts = func(_ context.Context, w wire.Lease, each func(wire.Part, []byte) error) error {
				if err := each(w.Parts[0], s.chunks[0]); err != nil || c.err != nil {
					return errors.Join(err, c.err)
				}
				return each(w.Parts[1], s.chunks[0])
			}
			s.eng.Heard(wire.KindLease, &wire.Lease{Flow: s.flow.ID, Epoch: 1, Lease: 9, URL: "https://vendor.example/app.msi", To: 200_000, TTLMs: 20_000,
				Parts: []wire.Part{{Chunk: 0, Length: 100_000}, {Chunk: 1, Length: 100_000}}, External: &wire.External{Bytes: 2_000_000}})
			time.Sleep(2 * time.Second)
			if st := s.ended(9); st.Code != c.want || st.Failed == "" || st.Verified != 1 {
				t.Errorf("%s: the lease ended as %+v, want code %s after a chunk", name, st, c.want)
			}
		})
	}
}
