package relay

import (
	"encoding/binary"
	"net"
	"time"

	"github.com/pion/stun/v4"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/signaling/wire/stamp"
)

// maxBinding bounds a request that is answered here, in bytes: its header and a few
// attributes.
const maxBinding = 256

// reflector answers binding requests by itself, hands what comes by channels to the
// relayed ports, and leaves the rest to TURN. In its answer it says how long the request lay here: who measures a line by round trips
// takes that off, or a server that is short of processor time would look like a
// queue.
type reflector struct {
	net.PacketConn
	read  stamp.Reader
	ports *ports
}

func newReflector(conn net.PacketConn, p *ports) *reflector {
	return &reflector{conn, stamp.Of(conn), p}
}

// ReadFrom implements [net.PacketConn].
func (r *reflector) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, at, err := r.read(b)
		if err != nil {
			return n, from, err
		}
		if udp, ok := from.(*net.UDPAddr); ok && r.ports.forward(b[:n], canonical(udp), r.PacketConn) {
			continue
		}
		answer := reflect(b[:n], from, time.Since(at))
		if answer == nil {
			return n, from, nil
		}
		_, _ = r.WriteTo(answer.Raw, from) // what is lost is asked again
	}
}

// reflect answers a binding request that asks for nothing more, and which lay here
// for a while; nil is for everything else.
func reflect(b []byte, from net.Addr, lay time.Duration) *stun.Message {
	udp, ok := from.(*net.UDPAddr)
	if !ok || len(b) > maxBinding || !stun.IsMessage(b) || binary.BigEndian.Uint16(b) != stun.BindingRequest.Value() {
		return nil
	}
	m := stun.Message{Raw: append([]byte(nil), b...)}
	if m.Decode() != nil || m.Contains(stun.AttrMessageIntegrity) {
		return nil
	}
	answer, err := stun.Build(stun.NewTransactionIDSetter(m.TransactionID), stun.BindingSuccess,
		&stun.XORMappedAddress{IP: udp.IP, Port: udp.Port})
	if err != nil {
		return nil
	}
	us := min(max(lay, 0), time.Hour).Microseconds()
	answer.Add(wire.AttrLay, binary.BigEndian.AppendUint32(nil, uint32(us)))
	if stun.Fingerprint.AddTo(answer) != nil {
		return nil
	}
	return answer
}
