package socket_test

import (
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sitecast/sitecast/signaling/wire"
)

// wantRefused checks that exactly this was counted.
func (s *stand) wantRefused(want map[string]uint64) {
	s.t.Helper()
	got := map[string]uint64{}
	s.refused.Each(func(k wire.Refusal, n uint64) {
		if k.Door != wire.DoorSocket {
			s.t.Errorf("counted at the door %q", k.Door)
		}
		got[k.Code] = n
	})
	if !maps.Equal(got, want) {
		s.t.Errorf("counted %v, want %v", got, want)
	}
}

// tooLong is one byte more than a message may have.
var tooLong = `{"type":"obeyed","id":1,"body":{"generation":1}}` + strings.Repeat(" ", wire.MaxMessageBytes-46)

func TestMessagesOfBytesAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, first := range []bool{true, false} {
			s := newStand(t)
			ws := s.dial("10.0.0.2")
			if !first {
				s.say(ws, hello)
				s.hear(ws)
			}
			if err := ws.WriteMessage(websocket.BinaryMessage, []byte(hello)); err != nil {
				t.Fatal(err)
			}
			s.wantFarewell(ws, wire.CodeProtocol)
			s.wantRefused(map[string]uint64{wire.CodeProtocol: 1})
			s.end()
		}
	})
}

func TestAMessageThatComesAgainIsCountedAndDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		ws := s.dial("10.0.0.2", hello)
		s.hear(ws)
		again := `{"type":"obeyed","id":1,"body":{"generation":1}}`
		s.say(ws, again, again, again)
		s.wantLog("joined", "heard obeyed")
		s.wantRefused(map[string]uint64{wire.CodeReplayed: 2})
		_ = ws.Close()
		s.end()
	})
}

// TestAMessageWithoutAnEndIsNotKept: it may go on for ever.
func TestAMessageWithoutAnEndIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		ws := s.dial("10.0.0.2", hello)
		s.hear(ws)
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() {
			w, err := ws.NextWriter(websocket.TextMessage)
			for err == nil {
				_, err = w.Write(make([]byte, 4<<10))
				time.Sleep(time.Millisecond)
			}
		})
		start := time.Now()
		s.wantFarewell(ws, wire.CodeTooLarge)
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("refused after %v", took)
		}
		s.wantLog("joined", "left "+wire.CodeTooLarge)
		s.end()
	})
}
