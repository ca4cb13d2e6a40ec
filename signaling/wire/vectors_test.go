package wire_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/signaling/wire"
)

// A vector is one stanza of a file in testdata/vectors.
type vector struct{ name, in, want string }

func vectors(t testing.TB, file string) []vector {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	for stanza := range strings.SplitSeq(string(text), "\n\n") {
		lines := strings.Split(strings.TrimSpace(stanza), "\n")
		if strings.HasPrefix(lines[0], "#") {
			continue
		}
		if len(lines) != 3 || lines[1][0] != '<' {
			t.Fatalf("%s: %q is not a vector", file, stanza)
		}
		all = append(all, vector{lines[0], expand(strings.TrimSpace(lines[1][1:])), lines[2]})
	}
	return all
}

var repeated = regexp.MustCompile(`<<(\w+)\*(\d+)>>`)

// expand writes out <<x*n>>.
func expand(s string) string {
	return repeated.ReplaceAllStringFunc(s, func(m string) string {
		parts := repeated.FindStringSubmatch(m)
		n, _ := strconv.Atoi(parts[2])
		return strings.Repeat(parts[1], n)
	})
}

func TestMessageVectors(t *testing.T) {
	for _, v := range append(vectors(t, "messages.txt"), vectors(t, "agents.txt")...) {
		t.Run(v.name, func(t *testing.T) {
			env, body, err := wire.Decode([]byte(v.in))
			if code, refused := strings.CutPrefix(v.want, "! "); refused {
				got := new(wire.RefusedError)
				if !errors.As(err, &got) || got.Code != code {
					t.Errorf("decoded to %+v, %v; want refusal %q", body, err, code)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := strings.TrimPrefix(v.want, "= ")
			if want == "same" {
				want = v.in
			}
			if got, err := wire.Encode(env.Kind, env.ID, env.Ack, body); err != nil || string(got) != want {
				t.Errorf("encodes to %s, %v\nwant %s", got, err, want)
			}
		})
	}
}

func TestEveryKindHasAVector(t *testing.T) {
	seen := map[wire.Kind]bool{}
	for _, v := range vectors(t, "messages.txt") {
		if env, _, err := wire.Decode([]byte(v.in)); err == nil {
			seen[env.Kind] = true
		}
	}
	for _, kind := range []wire.Kind{wire.KindHello, wire.KindWelcome, wire.KindRenew, wire.KindTrust, wire.KindFlow,
		wire.KindFlows, wire.KindObeyed, wire.KindDial, wire.KindHangUp, wire.KindSignal, wire.KindLinked, wire.KindLease,
		wire.KindStock, wire.KindRevoke, wire.KindGovern, wire.KindGrant, wire.KindTaken, wire.KindPace, wire.KindGoverned, wire.KindProgress, wire.KindReport, wire.KindAck, wire.KindError} {
		if !seen[kind] {
			t.Errorf("no vector for %s", kind)
		}
	}
}

func TestFrameVectors(t *testing.T) {
	for _, v := range vectors(t, "frames.txt") {
		t.Run(v.name, func(t *testing.T) {
			b, err := hex.DecodeString(strings.ReplaceAll(v.in, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			got := "= "
			switch f, err := wire.ParseFrame(b); {
			case errors.Is(err, wire.ErrUnknownFrame):
				got = "! unknown"
			case errors.Is(err, wire.ErrBadFrame):
				got = "! bad"
			default:
				got += describe(f)
				if again := wire.AppendFrame(nil, f); string(again) != string(b) {
					t.Errorf("encodes to %x", again)
				}
			}
			if got != v.want {
				t.Errorf("got  %s\nwant %s", got, v.want)
			}
		})
	}
}

// describe writes a frame as the vectors do.
func describe(f wire.Frame) string {
	out := []string{fmt.Sprint("channel=", f.Kind.Channel())}
	add := func(name string, value any, there bool) {
		if there {
			out = append(out, fmt.Sprint(name, "=", value))
		}
	}
	chunks := strings.Trim(strings.ReplaceAll(fmt.Sprint(f.Chunks), " ", ","), "[]")
	add("version", f.Version, f.Version != [16]byte{})
	add("flags", f.Flags, f.Flags != 0)
	add("number", f.Number, f.Number != 0)
	add("offset", f.Offset, f.Offset != 0)
	add("length", f.Length, f.Length != 0)
	add("total", f.Total, f.Total != 0)
	add("chunks", chunks, len(f.Chunks) > 0)
	if g := f.Grant; g != nil {
		add("grant", strings.Trim(strings.ReplaceAll(fmt.Sprint([]any{g.Epoch, g.Term, g.Seq, g.BytesPerSecond, g.Site, g.Floor, g.ValidMs, g.Lossy}), " ", ","), "[]"), true)
	}
	add("payload", hex.EncodeToString(f.Payload), len(f.Payload) > 0)
	return strings.Join(out, " ")
}

func TestWhatWouldBeRefusedIsNotSent(t *testing.T) {
	for name, body := range map[string]any{
		"a negative counter": wire.Progress{WAN: -1},
		"no peer":            &wire.HangUp{},
	} {
		if text, err := wire.Encode(wire.KindProgress, 1, 0, body); err == nil {
			t.Errorf("%s was encoded as %s", name, text)
		}
	}
	have := wire.Progress{Have: []wire.Bits{{Bits: make([]byte, 60<<10)}}}
	refused := new(wire.RefusedError)
	if _, err := wire.Encode(wire.KindProgress, 1, 0, have); !errors.As(err, &refused) || refused.Code != wire.CodeTooLarge {
		t.Errorf("80 kB of bits: %v, want %s", err, wire.CodeTooLarge)
	}
}

func TestClippedTextIsAccepted(t *testing.T) {
	for _, s := range []string{strings.Repeat("ü", 200), "a" + strings.Repeat("ü", 200), strings.Repeat("\xff", 300), "short"} {
		clipped := wire.Clip(s)
		text, err := wire.Encode(wire.KindError, 0, 0, wire.Error{Code: wire.CodeStore, Detail: clipped})
		if err != nil {
			t.Fatalf("%.10q: %v", s, err)
		}
		if _, body, err := wire.Decode(text); err != nil || body.(*wire.Error).Detail != clipped {
			t.Errorf("%.10q came back as %v, %v", s, body, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, v := range vectors(f, "messages.txt") {
		f.Add([]byte(v.in))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		env, body, err := wire.Decode(text)
		if err != nil {
			if refused := new(wire.RefusedError); !errors.As(err, &refused) {
				t.Errorf("%v is not a refusal", err)
			}
			return
		}
		again, err := wire.Encode(env.Kind, env.ID, env.Ack, body)
		if refused := new(wire.RefusedError); errors.As(err, &refused) && refused.Code == wire.CodeTooLarge {
			return // escaping made a message at the limit longer
		}
		if err != nil {
			t.Fatalf("%s does not encode: %v", text, err)
		}
		if _, twice, err := wire.Decode(again); err != nil || !sameJSON(body, twice) {
			t.Errorf("%s became %s: %v", text, again, err)
		}
	})
}

func sameJSON(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
