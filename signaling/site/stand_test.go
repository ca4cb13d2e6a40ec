package site_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	epoch = 7
	// chunkBytes is what each chunk of a test has, plain and encoded.
	chunkBytes = 100_000
)

// tester is what *testing.T and *rapid.T have in common here.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// stand is a site whose members are fakes that write down what they are told.
type stand struct {
	t    tester
	site *site.Site
	want site.Desired
	stop context.CancelFunc
}

// onStand runs do in a bubble beside a running site.
func onStand(t *testing.T, do func(s *stand)) {
	t.Helper()
	onStandOf(t, config("shop-1"), do)
}

func onStandOf(t *testing.T, cfg site.Config, do func(s *stand)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newStandOf(t, cfg)
		defer s.close()
		do(s)
	})
}

func newStand(t tester) *stand { return newStandOf(t, config("shop-1")) }

func newStandOf(t tester, cfg site.Config) *stand {
	ctx, stop := context.WithCancel(context.Background())
	s := &stand{t: t, stop: stop, site: site.New(cfg)}
	s.want.Cap = wire.Unlimited
	go func() { _ = s.site.Run(ctx) }()
	return s
}

func config(name string) site.Config {
	return site.Config{Name: name, Epoch: epoch, Log: slog.New(slog.DiscardHandler),
		URL: func(o site.Object, ttl time.Duration) string {
			if o.Page {
				return fmt.Sprintf("/%s/%s?ttl=%v&part=%d-%d", o.Kind, o.Digest, ttl, o.From, o.To)
			}
			return fmt.Sprintf("/%s/%s?ttl=%v", o.Kind, o.Digest, ttl)
		}}
}

func (s *stand) close() {
	s.stop()
	synctest.Wait()
}

// send hands an event over and waits until it took effect.
func (s *stand) send(event interface{}) {
	s.t.Helper()
	ok := false
	switch e := event.(type) {
	case site.Joined:
		ok = s.site.Send(e)
	case site.Left:
		ok = s.site.Send(e)
	case site.Heard:
		ok = s.site.Send(e)
	case site.Wanted:
		ok = s.site.Send(e)
	}
	if !ok {
		s.t.Fatalf("the site did not take %T", event)
	}
	synctest.Wait()
}

// pass lets time go by.
func (s *stand) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// order makes the flows what is wanted of the site.
func (s *stand) order(flows ...site.FlowSpec) {
	s.t.Helper()
	s.want.Flows = slices.Clone(flows)
	s.again()
}

// again tells what is wanted under a new generation.
func (s *stand) again() {
	s.t.Helper()
	s.want.Generation++
	s.send(site.Wanted{Desired: s.want})
}

// version makes a flow of n chunks that lie in one pack.
func version(name string, n int) site.FlowSpec {
	sum := content.Sum([]byte(name))
	spec := site.FlowSpec{Priority: wire.Normal, Envelope: json.RawMessage(`{}`), Head: content.Head{Name: name, Version: "1",
		Chunks: uint32(n), UniqueBytes: int64(n) * chunkBytes, Body: content.Sum([]byte("body of " + name)), BodyBytes: 1000}}
	copy(spec.ID[:], sum[:])
	for i := range n {
		spec.Places = append(spec.Places, schedule.Place{Pack: sum, Offset: int64(i) * chunkBytes, Length: chunkBytes})
	}
	return spec
}

func with(spec site.FlowSpec, change func(*site.FlowSpec)) site.FlowSpec {
	change(&spec)
	return spec
}

func paused(spec site.FlowSpec) site.FlowSpec {
	return with(spec, func(f *site.FlowSpec) { f.Paused, f.PausedBy = true, "closing time" })
}

// sent is a message that the site sent to a member, or (kind is empty) why it
// closed the session.
type sent struct {
	kind wire.Kind
	body any
	code string
}

// fake is a member of the site.
type fake struct {
	s  *stand
	id wire.EndpointID

	// mu guards the rest: the site's loop also sends when time has passed.
	mu   sync.Mutex
	got  []sent // and not taken yet
	full bool   // it takes no more messages
}

// idOf makes an id that is as long as real ones and sorts by name.
func idOf(name string) wire.EndpointID { return wire.EndpointID((name + strings.Repeat("a", 32))[:32]) }

// Send implements site.Conn.
func (f *fake) Send(kind wire.Kind, body any) bool {
	if _, err := wire.EncodeBody(kind, body); err != nil {
		f.s.t.Errorf("%s was sent a %s that breaks the protocol: %v", f.id.Short(), kind, err)
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.full {
		return false
	}
	f.got = append(f.got, sent{kind: kind, body: body})
	return true
}

// Close implements site.Conn.
func (f *fake) Close(code, detail string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got = append(f.got, sent{code: code, body: detail})
}

// join brings a member online; several endpoints of one name are one endpoint
// that came back.
func (s *stand) join(name string, hello ...wire.Hello) *fake {
	s.t.Helper()
	return s.joinFrom(name, "192.0.2.1", hello...)
}

// joinFrom is join from behind some line.
func (s *stand) joinFrom(name, address string, hello ...wire.Hello) *fake {
	s.t.Helper()
	f := &fake{s: s, id: idOf(name)}
	h := wire.Hello{Version: 1, Device: wire.DeviceAgent}
	if len(hello) > 0 {
		h = hello[0]
	}
	h.Name = name
	s.send(site.Joined{Conn: f, Member: site.Member{ID: f.id, Hello: h, Address: address}})
	time.Sleep(time.Millisecond) // so that nobody is online for equally long
	return f
}

func (f *fake) leave() {
	f.s.t.Helper()
	f.s.send(site.Left{ID: f.id, Conn: f})
}

// say sends a message of the member, which must keep to the protocol.
func (f *fake) say(body any) {
	f.s.t.Helper()
	f.s.send(site.Heard{ID: f.id, Conn: f, Body: body})
}

// report says which chunks of a flow a member holds, all of them, and what became
// of its leases.
func (f *fake) report(spec site.FlowSpec, have []uint32, states ...wire.LeaseState) {
	f.s.t.Helper()
	f.say(progress(spec, have, states...))
}

func progress(spec site.FlowSpec, have []uint32, states ...wire.LeaseState) *wire.Progress {
	bits := content.NewBitmap(spec.Head.Chunks)
	for _, c := range have {
		bits.Set(c)
	}
	return &wire.Progress{Flow: spec.ID, Body: len(have) > 0, Have: []wire.Bits{{Bits: bits}}, Leases: states,
		Complete: len(have) == int(spec.Head.Chunks)}
}

// chunks lists the chunks from first on, without the one past the last.
func chunks(first, past uint32) []uint32 {
	out := []uint32{}
	for i := first; i < past; i++ {
		out = append(out, i)
	}
	return out
}

func state(l wire.Lease) wire.LeaseState { return wire.LeaseState{Epoch: l.Epoch, Lease: l.Lease} }

func done(l wire.Lease) wire.LeaseState {
	st := state(l)
	st.Verified, st.Done = uint32(len(l.Parts)), true
	return st
}

func failed(l wire.Lease) wire.LeaseState {
	st := state(l)
	st.Failed = "no route to the origin"
	return st
}

// take returns the messages of a kind that came since the last take of it.
func take[T any](f *fake) []T {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []T
	f.got = slices.DeleteFunc(f.got, func(m sent) bool {
		b, ok := m.body.(T)
		if ok && m.kind != "" {
			out = append(out, b)
		}
		return ok && m.kind != ""
	})
	return out
}

// one returns the only message of a kind that came.
func one[T any](f *fake) T {
	f.s.t.Helper()
	got := take[T](f)
	if len(got) != 1 {
		f.s.t.Fatalf("%s got %d of %T, want one: %+v", f.id.Short(), len(got), *new(T), got)
	}
	return got[0]
}

// last returns the newest message of a kind that came.
func last[T any](f *fake) T {
	f.s.t.Helper()
	got := take[T](f)
	if len(got) == 0 {
		f.s.t.Fatalf("%s got no %T", f.id.Short(), *new(T))
	}
	return got[len(got)-1]
}

// none fails when a message of a kind came.
func none[T any](f *fake) {
	f.s.t.Helper()
	if got := take[T](f); len(got) > 0 {
		f.s.t.Errorf("%s got %T: %+v, want none", f.id.Short(), got[0], got)
	}
}

// closed returns the code its session was closed with, or nothing.
func (f *fake) closed() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.got {
		if m.kind == "" {
			return m.code
		}
	}
	return ""
}

// kinds lists what came, in order.
func (f *fake) kinds() (out []wire.Kind) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.got {
		out = append(out, m.kind)
	}
	return out
}

// view returns the site's snapshot.
func (s *stand) view() site.View {
	s.t.Helper()
	v, err := s.site.View(context.Background())
	if err != nil {
		s.t.Fatalf("view: %v", err)
	}
	return v
}

// flow returns how operators see one flow.
func (s *stand) flow(spec site.FlowSpec) site.FlowView {
	s.t.Helper()
	for _, f := range s.view().Flows {
		if f.ID == spec.ID {
			return f
		}
	}
	s.t.Fatalf("no flow of %s in the view", spec.Head.Name)
	return site.FlowView{}
}
