package socket

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/signaling/wire/stamp"
)

// read serves one socket until it breaks.
func (s *Session) read(k *sock) {
	k.ws.SetPingHandler(func(data string) error {
		s.touch(k)
		by := time.Now().Add(WriteTimeout)
		if lay, ok := wire.PingLay(data, time.Since(stamp.Newest(k.ws.NetConn()))); ok {
			_ = k.ws.WriteControl(websocket.PongMessage, lay, by) // the answer proper fails, too
		}
		err := k.ws.WriteControl(websocket.PongMessage, []byte(data), by)
		if errors.Is(err, websocket.ErrCloseSent) {
			return nil
		}
		return err
	})
	k.ws.SetPongHandler(func(string) error {
		s.touch(k)
		return nil
	})
	err := s.listen(k)
	_ = k.ws.Close()
	s.detach(k, err)
}

func (s *Session) touch(k *sock) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alive(k, time.Now())
}

// listen reads messages and returns why it ended.
func (s *Session) listen(k *sock) error {
	for {
		if wait := k.limit.Reserve().Delay(); wait > 0 {
			time.Sleep(wait) // one message's share of the rate; TCP slows the endpoint down
		}
		text, err := readMessage(k.ws)
		refused := new(wire.RefusedError)
		if err != nil && !errors.As(err, &refused) {
			return err
		}
		s.touch(k)
		var env wire.Envelope
		var body any
		if err == nil {
			env, body, err = s.decode(text)
		}
		if errors.As(err, &refused) {
			s.breach(refused.Code, refused.Detail)
			continue // until the endpoint hangs up, so that it hears why
		}
		s.hear(k, env, body)
	}
}

// decode reads a message. What says how far an endpoint is can wait for others'.
func (s *Session) decode(text []byte) (wire.Envelope, any, error) {
	if wire.LooksLike(text, wire.KindProgress) {
		s.server.cfg.Lane.Enter()
		defer s.server.cfg.Lane.Leave()
	}
	return wire.Decode(text)
}

// readMessage reads one message. One that is too long is refused here and not by
// the connection's own limit, which would close it before the endpoint heard why.
func readMessage(ws *websocket.Conn) ([]byte, error) {
	kind, r, err := ws.NextReader()
	if err != nil {
		return nil, err
	}
	if kind != websocket.TextMessage {
		return nil, &wire.RefusedError{Code: wire.CodeProtocol, Detail: "messages are text"}
	}
	text, err := io.ReadAll(io.LimitReader(r, wire.MaxMessageBytes+1))
	if err == nil && len(text) > wire.MaxMessageBytes {
		err = &wire.RefusedError{Code: wire.CodeTooLarge, Detail: fmt.Sprintf("message is longer than %d bytes", wire.MaxMessageBytes)}
	}
	return text, err
}

// breach ends the session because of what the endpoint sent.
func (s *Session) breach(code, detail string) {
	s.server.refused(code)
	s.Close(code, detail)
}

// detach takes a broken socket off. The session ends at once when the endpoint
// said goodbye, otherwise after the grace.
func (s *Session) detach(k *sock, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sock != k {
		return // another has taken over
	}
	s.sock = nil
	if websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseGoingAway) {
		s.end(codeLost, "the endpoint said goodbye")
		return
	}
	now := time.Now()
	s.lost, s.why = now, err.Error()
	s.arm(now, now.Add(wire.ResumeGrace))
}

// kick starts a writer if there is something to write and none at it. mu is held.
func (s *Session) kick(now time.Time) {
	k := s.sock
	if k == nil || k.writing || !s.due(k, now) {
		return
	}
	k.writing = true
	s.server.wg.Go(func() { s.write(k) }) // the socket's reader is counted, so this may be
}

// due reports whether next would find something. mu is held.
func (s *Session) due(k *sock, now time.Time) bool {
	if s.ended != nil {
		return k.said < 2
	}
	_, more := s.out.After(k.sent)
	return more || k.welcome != nil || passed(k.ackBy, now) || passed(k.pingAt, now)
}

func passed(t, now time.Time) bool { return !t.IsZero() && !now.Before(t) }

// write writes until there is nothing to write.
func (s *Session) write(k *sock) {
	for {
		kind, data := s.next(k)
		if kind == 0 {
			return
		}
		by := time.Now().Add(WriteTimeout)
		err := k.ws.SetWriteDeadline(by)
		switch {
		case err != nil:
		case kind == websocket.TextMessage:
			err = k.ws.WriteMessage(kind, data)
		default:
			err = k.ws.WriteControl(kind, data, by)
		}
		if err != nil {
			_ = k.ws.Close() // the reader sees it and takes the socket off
			return
		}
	}
}

// next picks what the socket carries next, or 0 when the writer may go.
func (s *Session) next(k *sock) (kind int, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.ended != nil {
		return s.farewell(k)
	}
	if k.welcome != nil {
		data, k.welcome = k.welcome, nil
		return websocket.TextMessage, data
	}
	kept, more := s.out.After(k.sent)
	switch {
	case more:
		k.sent = kept.ID
		return s.text(k, kept.Kind, kept.ID, kept.Body)
	case passed(k.ackBy, now):
		return s.text(k, wire.KindAck, 0, nil)
	case passed(k.pingAt, now):
		k.pingAt = now.Add(PingAfter)
		return websocket.PingMessage, nil
	}
	k.writing = false
	if s.sock == k {
		s.rearm(k, now)
	}
	return 0, nil
}

// text makes a message, with the acknowledgement that every message carries. mu
// is held.
func (s *Session) text(k *sock, kind wire.Kind, id uint64, body any) (int, []byte) {
	k.ackBy = time.Time{}
	text, err := wire.Encode(kind, id, s.in.Ack(), body)
	if err != nil {
		s.server.cfg.Log.Error("sending a message", "endpoint", s.ID.Short(), "err", err)
		s.end(wire.CodeProtocol, "a message could not be sent")
		return s.farewell(k)
	}
	return websocket.TextMessage, text
}

// farewell says why the session ended, and then closes. mu is held.
func (s *Session) farewell(k *sock) (int, []byte) {
	k.said++
	switch k.said {
	case 1:
		if text, err := wire.Encode(wire.KindError, 0, 0, *s.ended); err == nil {
			return websocket.TextMessage, text
		}
		k.said++
		fallthrough
	case 2:
		return websocket.CloseMessage, closing(s.ended.Code)
	}
	k.writing = false
	return 0, nil
}
