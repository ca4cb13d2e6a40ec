package rtc

import (
	"errors"
	"net"
	"testing"

	"github.com/pion/transport/v5/vnet"
)

func TestReleasedRelaysHoldNoSocketAndOpenNone(t *testing.T) {
	host, err := vnet.NewNet(&vnet.NetConfig{})
	if err != nil {
		t.Fatal(err)
	}
	r := relays{Net: host}
	sock, err := r.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.release()
	if _, _, err := sock.ReadFrom(make([]byte, 1)); err == nil {
		t.Error("the socket is still open after release")
	}
	if _, err := r.ListenPacket("udp4", "127.0.0.1:0"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("another one opens with %v, want %v: gathering may end later than the link is up", err, net.ErrClosed)
	}
}
