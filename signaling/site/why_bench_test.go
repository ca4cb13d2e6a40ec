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
		name := strings.Repeat(string(rune('a'+i/26)), 16) + strings.Repeat(string(rune('a'+i%26)), 16)
		Joined{Member: Member{ID: wire.EndpointID(name), Hello: wire.Hello{Name: name}, Address: "192.0.2.1"}, Conn: mute{}}.apply(s, now)
	}
	s.active = now
	s.decideLinks(now)
	s.regroup(now) // all are in one reach group, as links are expected to come up
	have := content.NewBitmap(512)
	have.Set(7)
	for id := range s.members {
		for _, f := range want.Flows {
			Heard{ID: id, Conn: mute{}, Body: &wire.Progress{Flow: f.ID, Body: true, Have: []wire.Bits{{Bits: have}}}}.apply(s, now)
		}
	}
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
