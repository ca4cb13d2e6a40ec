package lab_test

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/e2e/lab"
	"github.com/sitecast/sitecast/edge/rtc"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// A liar is a peer of the own site: enrolled, with a real identity and real links,
// and an engine of its own that does one wrong thing.
type liar struct {
	*lab.Rogue
	t       *testing.T
	lengths []uint32 // of the chunks, in order
	lie     func(m *liar, l *rtc.Link, head content.Head, f wire.Frame)
	wg      sync.WaitGroup
}

// flow is the version that the site shall have.
func (m *liar) flow() (content.VersionID, content.Head) {
	f := lastOf[wire.Flow](m.t, m.Rogue)
	head, id, err := content.ReadHead(f.Head)
	if err != nil {
		m.t.Error(err)
	}
	return id, head
}

func (m *liar) Signal(s wire.Signal) { m.Say(wire.KindSignal, s) }
func (m *liar) Up(l *rtc.Link) {
	m.Say(wire.KindLinked, wire.Linked{Peer: l.Peer(), Attempt: l.Attempt(), Up: true})
	_ = l.SendCtl(wire.Frame{Kind: wire.FrameCredit, Total: 1 << 40})
}
func (m *liar) Down(peer wire.EndpointID, _ *rtc.Link, attempt int, reason string) {
	m.Say(wire.KindLinked, wire.Linked{Peer: peer, Attempt: attempt, Reason: wire.Clip(reason)})
}
func (m *liar) Bulk(*rtc.Link, wire.Frame) {}
func (m *liar) Ctl(l *rtc.Link, f wire.Frame) {
	id, head := m.flow()
	if f.Version == id {
		m.lie(m, l, head, f)
	}
}

// join says that the liar takes part in the version of f.
func join(l *rtc.Link, f wire.Frame, chunks uint32, flags uint8) {
	_ = l.SendCtl(wire.Frame{Kind: wire.FrameJoin, Version: f.Version, Number: chunks, Flags: flags})
}

// all says that the liar holds everything.
func all(l *rtc.Link, head content.Head, f wire.Frame) {
	join(l, f, head.Chunks, 0)
	have := content.NewBitmap(head.Chunks)
	for i := range head.Chunks {
		have.Set(i)
	}
	_ = l.SendCtl(wire.Frame{Kind: wire.FrameHave, Version: f.Version, Payload: have})
}

// pieces sends zeros.
func (m *liar) pieces(l *rtc.Link, f wire.Frame, size uint32) {
	m.wg.Go(func() {
		for ; f.Offset < size; f.Offset += wire.MaxDataBytes {
			f.Payload = make([]byte, min(wire.MaxDataBytes, size-f.Offset))
			if l.SendBulk(context.Background(), f) != nil {
				return
			}
		}
	})
}

// lies are what liars do, and what they are named for; a lie that is nothing but
// silence can't be proved.
var lies = map[string]struct {
	lie  func(m *liar, l *rtc.Link, head content.Head, f wire.Frame)
	code string
}{
	"poisons": {func(m *liar, l *rtc.Link, head content.Head, f wire.Frame) {
		switch f.Kind {
		case wire.FrameJoin:
			all(l, head, f)
		case wire.FrameWant:
			for _, i := range f.Chunks {
				m.pieces(l, wire.Frame{Kind: wire.FrameData, Version: f.Version, Number: i}, m.lengths[i])
			}
		}
	}, wire.CodeBadChunk},
	"sends another body": {func(m *liar, l *rtc.Link, head content.Head, f wire.Frame) {
		switch f.Kind {
		case wire.FrameJoin:
			join(l, f, head.Chunks, wire.JoinBodyHeld)
		case wire.FrameWantBody:
			m.pieces(l, wire.Frame{Kind: wire.FrameBody, Version: f.Version}, uint32(head.BodyBytes))
		}
	}, wire.CodeBadBody},
	"claims and is silent": {func(_ *liar, l *rtc.Link, head content.Head, f wire.Frame) {
		if f.Kind == wire.FrameJoin {
			all(l, head, f)
		}
	}, ""},
	"counts otherwise": {func(_ *liar, l *rtc.Link, head content.Head, f wire.Frame) {
		if f.Kind == wire.FrameJoin {
			join(l, f, head.Chunks+1, 0)
		}
	}, wire.CodeProtocol},
	"floods": {func(m *liar, l *rtc.Link, head content.Head, f wire.Frame) {
		if f.Kind == wire.FrameJoin {
			for range 20 { // 5 MB that nobody asked for
				m.pieces(l, wire.Frame{Kind: wire.FrameData, Version: f.Version, Number: head.Chunks - 1}, content.MaxChunkBytes)
			}
		}
	}, wire.CodeProtocol},
	"speaks in tongues": {func(_ *liar, l *rtc.Link, _ content.Head, f wire.Frame) {
		_ = l.SendCtl(wire.Frame{Kind: 0x7f})
	}, wire.CodeUnknownType},
}

// TestLiarsAreNamedAndEverybodyElseGetsIt once, though they are most of the site.
func TestLiarsAreNamedAndEverybodyElseGetsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 2 * mib
		l := lab.New(t, lab.Plan{Sites: []int{2}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		s := l.Sites[0]
		liars := map[string]*liar{}
		for name, c := range lies {
			m := &liar{t: t, lie: c.lie, Rogue: l.Rogue(s, name, "10.1.0.10"+string(rune('0'+len(liars))))}
			m.Link("10.1.0.10"+string(rune('0'+len(liars))), m)
			liars[name] = m
			defer func() {
				m.End()
				m.wg.Wait()
			}()
			if err := content.Split(bytes.NewReader(lab.Bytes("app", "1", size)), func(chunk []byte) error {
				m.lengths = append(m.lengths, uint32(len(chunk)))
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		l.Publish("app", "1", size)
		l.Distribute("app@1")
		f := l.AwaitComplete("app", s, 60*time.Second)
		if f.BytesOrigin != size {
			t.Errorf("%d bytes from the origin, want one copy of %d", f.BytesOrigin, size)
		}
		for _, e := range s.Endpoints {
			e.WantDelivered("app", "1", size)
		}
		time.Sleep(5 * time.Second)
		wantNamed(t, l, s)
		// For a while nobody is linked to who lied to it, and nobody is lied to.
		reports := func() (n int) {
			for _, c := range lies {
				n += l.Refused(wire.DoorReport, c.code)
			}
			return n
		}
		before := reports()
		time.Sleep(30 * time.Second)
		if after := reports(); after != before {
			t.Errorf("%d reports after a quiet while, %d before it", after, before)
		}
	})
}

// wantNamed checks that every liar is shown as one, for what it did, and nobody else is.
func wantNamed(t *testing.T, l *lab.Lab, s *lab.Site) {
	t.Helper()
	honest := map[string]wire.EndpointID{}
	names := map[wire.EndpointID]string{}
	for _, e := range l.Endpoints(s) {
		names[e.ID] = e.Name
		if _, lies := lies[e.Name]; !lies {
			honest[e.Name] = e.ID
		}
	}
	for _, e := range l.Endpoints(s) {
		want, isLiar := lies[e.Name]
		if !isLiar || want.code == "" {
			if len(e.ReportedBy) > 0 {
				t.Errorf("%s is shown as reported by %v", e.Name, e.ReportedBy)
			}
			continue
		}
		named := false
		for _, id := range honest {
			named = named || slices.Contains(e.ReportedBy, string(id)+": "+want.code)
		}
		if !named {
			t.Errorf("%q is reported by %v, want %s", e.Name, e.ReportedBy, want.code)
		}
		if l.Refused(wire.DoorReport, want.code) == 0 {
			t.Errorf("no report of %s is counted", want.code)
		}
	}
}
