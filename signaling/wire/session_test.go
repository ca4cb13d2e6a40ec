package wire_test

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/signaling/wire"
)

// TestSocketsThatBreakLoseAndDoubleNothing sends over sockets that lose what is
// on its way and what was acknowledged too late.
func TestSocketsThatBreakLoseAndDoubleNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var out wire.Outbox
		var in wire.Inbox
		var sent, added, got uint64
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"add", "deliver", "deliver", "ack", "break"}).Draw(t, "step") {
			case "add":
				if out.Add(wire.KindObeyed, json.RawMessage("{}")) {
					added++
				}
			case "deliver":
				k, ok := out.After(sent)
				if !ok {
					continue
				}
				sent = k.ID
				fresh, err := in.Take(k.ID)
				if err != nil {
					t.Fatal(err)
				}
				if fresh {
					got++
				}
				if k.ID > got {
					t.Fatalf("message %d was heard as number %d", k.ID, got)
				}
			case "ack":
				if err := out.Acked(in.Ack()); err != nil {
					t.Fatal(err)
				}
			case "break": // the sender knows only what was acknowledged
				sent = 0
			}
		}
		for k, ok := out.After(sent); ok; k, ok = out.After(k.ID) {
			if fresh, err := in.Take(k.ID); err != nil {
				t.Fatal(err)
			} else if fresh {
				got++
			}
		}
		if got != added {
			t.Fatalf("%d messages were heard, %d sent", got, added)
		}
	})
}

func TestAcknowledgementOfNothingIsRefused(t *testing.T) {
	var out wire.Outbox
	out.Add(wire.KindObeyed, json.RawMessage("{}"))
	if err := out.Acked(2); err == nil {
		t.Error("message 2 was acknowledged before it was sent")
	}
	if err := out.Acked(1); err != nil || len(out.Unacked()) != 0 {
		t.Errorf("after the acknowledgement %d messages are kept: %v", len(out.Unacked()), err)
	}
}

func TestGapInIdsIsRefused(t *testing.T) {
	var in wire.Inbox
	if _, err := in.Take(2); err == nil {
		t.Error("message 2 was taken before message 1")
	}
	if fresh, err := in.Take(0); !fresh || err != nil {
		t.Errorf("a message outside the session: %v, %v", fresh, err)
	}
}

func TestOutboxIsBounded(t *testing.T) {
	var out wire.Outbox
	for range wire.MaxUnacked {
		if !out.Add(wire.KindObeyed, json.RawMessage("{}")) {
			t.Fatal("full too early")
		}
	}
	if out.Add(wire.KindObeyed, json.RawMessage("{}")) {
		t.Error("more than MaxUnacked messages were kept")
	}
	var wide wire.Outbox
	for n := 0; wide.Add(wire.KindFlow, make(json.RawMessage, 60<<10)); n++ {
		if n*60<<10 > wire.MaxUnackedBytes {
			t.Fatal("more than MaxUnackedBytes were kept")
		}
	}
}
