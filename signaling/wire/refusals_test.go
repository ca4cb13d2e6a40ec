package wire_test

import (
	"maps"
	"sync"
	"testing"

	"github.com/sitecast/sitecast/signaling/wire"
)

func TestRefusalsAreCountedByDoorAndCode(t *testing.T) {
	var r wire.Refusals
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				r.Add(wire.DoorCtl, wire.CodeProtocol)
				r.Add(wire.DoorBulk, wire.CodeProtocol)
			}
			r.Add(wire.DoorBulk, wire.CodeBadChunk)
		})
	}
	wg.Wait()
	got := map[wire.Refusal]uint64{}
	r.Each(func(k wire.Refusal, n uint64) { got[k] = n })
	want := map[wire.Refusal]uint64{
		{Door: wire.DoorCtl, Code: wire.CodeProtocol}:  400,
		{Door: wire.DoorBulk, Code: wire.CodeProtocol}: 400,
		{Door: wire.DoorBulk, Code: wire.CodeBadChunk}: 4,
	}
	if !maps.Equal(got, want) {
		t.Errorf("counted %v, want %v", got, want)
	}
	var nobody *wire.Refusals
	nobody.Add(wire.DoorCtl, wire.CodeProtocol)
	nobody.Each(func(wire.Refusal, uint64) { t.Error("who counts nothing has counted") })
	if n := nobody.Count(wire.DoorCtl, wire.CodeProtocol); n != 0 {
		t.Errorf("who counts nothing has counted %d", n)
	}
}

// TestNobodyMakesUpLabels: codes in reports are the endpoint's own words.
func TestNobodyMakesUpLabels(t *testing.T) {
	for code, want := range map[string]string{wire.CodeBadChunk: wire.CodeBadChunk, wire.CodeUnknownType: wire.CodeUnknownType,
		"": "other", "made up": "other", wire.CodeReplayed: "other"} {
		if got := wire.CountedCode(code); got != want {
			t.Errorf("%q is counted as %q, want %q", code, got, want)
		}
	}
}
