package site

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// BenchmarkLoop has the loop of a site of 20 endpoints take in what they say while a flow
// moves: one fetches, the others get it from their peers, and no report comes before the last
// one was taken in.
//
//	go test -bench Loop -run - ./signaling/site
func BenchmarkLoop(b *testing.B) {
	const chunks, members, held = 4096, 20, 2048
	s := New(Config{Name: "shop", Epoch: 1, Log: slog.New(slog.DiscardHandler), URL: func(Object, time.Duration) string { return "" }})
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	defer func() { stop(); <-ended }()
	places := make([]schedule.Place, chunks)
	for i := range places {
		places[i] = schedule.Place{Offset: int64(i) << 16, Length: 64 << 10}
	}
	want := Desired{Generation: 1, Cap: wire.Unlimited, Flows: []FlowSpec{{ID: content.VersionID{1}, Envelope: json.RawMessage(`{}`), Places: places,
		Priority: wire.Normal, Head: content.Head{Name: "app", Version: "1", Chunks: chunks, UniqueBytes: chunks << 16}}}}
	s.Send(Wanted{want})
	have := content.NewBitmap(chunks)
	for i := range uint32(held) {
		have.Set(i)
	}
	ids := make([]wire.EndpointID, members)
	say := func(i int, p wire.Progress) {
		p.Flow, p.Body = want.Flows[0].ID, true
		s.Send(Heard{ID: ids[i], Conn: mute{}, Body: &p})
	}
	for i := range ids {
		ids[i] = wire.EndpointID(fmt.Sprintf("%032d", i))
		s.Send(Joined{Member: Member{ID: ids[i], Hello: wire.Hello{Name: string(ids[i])}, Address: "192.0.2.1"}, Conn: mute{}})
		mine := have
		if i > 0 {
			mine = have[:16]
		}
		say(i, wire.Progress{Have: []wire.Bits{{Bits: mine}}})
	}
	for i := range ids {
		for _, other := range ids[i+1:] {
			s.Send(Heard{ID: ids[i], Conn: mute{}, Body: &wire.Linked{Peer: other, Up: true}})
		}
	}
	const first, spans = 16, held/8 - 16 // what the others get, eight chunks a report, before they lost it all
	b.ResetTimer()
	for at := 0; b.Loop(); at++ {
		part := wire.Bits{From: 8 * uint32(first+at/(members-1)%spans), Bits: content.Bitmap{0xff}}
		if at/(members-1)%spans == 0 {
			part.Bits = content.NewBitmap(8 * spans)
		}
		say(1+at%(members-1), wire.Progress{Have: []wire.Bits{part}, Bytes: wire.Sources{Peer: int64(at) << 16}})
		for len(s.inbox) > 0 {
			runtime.Gosched()
		}
	}
}
