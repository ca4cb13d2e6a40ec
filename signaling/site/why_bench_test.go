package site

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// mute is a member that hears nothing.
type mute struct{}

func (mute) Send(wire.Kind, any) bool { return true }
func (mute) Close(string, string)     {}

// BenchmarkWhy decides once why 20 flows of 10 GiB each stand as they do, and why 500 endpoints
// in them do: what a full site adds to each half second while something goes on. Beside it is
// the snapshot of the same site that operators see.
//
//	go test -bench Why -run - ./signaling/site
func BenchmarkWhy(b *testing.B) {
	const chunks, flows, members = 160_000, 20, 500
	s := New(Config{Name: "shop", Log: slog.New(slog.DiscardHandler), URL: func(Object, time.Duration) string { return "" }})
	now := time.Now()
	want := Desired{Generation: 1, Cap: wire.Unlimited}
	places := make([]schedule.Place, chunks)
	for i := range places {
		places[i].Length = 64 << 10
	}
	for i := range flows {
		want.Flows = append(want.Flows, FlowSpec{ID: content.VersionID{byte(i)}, Envelope: json.RawMessage(`{}`), Places: places, Priority: wire.Normal,
			Head: content.Head{Name: fmt.Sprint("app", i), Version: "1", Chunks: chunks, UniqueBytes: chunks * 64 << 10}})
	}
	Wanted{want}.apply(s, now)
	for i := range members {
		id := wire.EndpointID(strings.Repeat(string(rune('a'+i/26)), 16) + strings.Repeat(string(rune('a'+i%26)), 16))
		Joined{Member: Member{ID: id, Hello: wire.Hello{Name: string(id[:20])}, Address: "192.0.2.1"}, Conn: mute{}}.apply(s, now)
		for _, f := range want.Flows {
			have := content.NewBitmap(chunks)
			for c := range uint32(i) {
				have.Set(c)
			}
			Heard{ID: id, Conn: mute{}, Body: &wire.Progress{Flow: f.ID, Body: true, Have: []wire.Bits{{Bits: have[:64]}}}}.apply(s, now)
		}
	}
	s.regroup(now)
	b.Run("Decide", func(b *testing.B) {
		for b.Loop() {
			now = now.Add(tick)
			s.decideWhy(now)
		}
	})
	b.Run("View", func(b *testing.B) {
		for b.Loop() {
			s.view(now)
		}
	})
}
