package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/pion/stun/v4"
)

const (
	// firstWait is for the first answer over UDP; each next is waited for twice as long.
	firstWait = 400 * time.Millisecond
	tries     = 4
	// relayTimeout is for an answer of a relay over TCP or TLS, as agents wait for it.
	relayTimeout = 5 * time.Second
	// Sizes of requests in bytes, without the headers of UDP and IP: about what links
	// send, and what fills an Ethernet frame over IPv6.
	linkBytes, frameBytes = 1200, 1452
	stunHeaderBytes       = 20
	attrHeaderBytes       = 4
	// attrPadding is an attribute that nobody has to understand and nobody defined.
	attrPadding = 0xff5f
)

// packets looks at UDP and at relays. named are those that the agent was told of.
func (d *doctor) packets(ctx context.Context, named []string) {
	relay, second := d.servers(named)
	conn, err := d.ListenPacket(ctx)
	if err != nil {
		d.add(Finding{Rung: RungUDP, Mark: Warn, Fault: FaultUDP, Seen: "no UDP socket opens: " + err.Error(),
			Do: "let the agent open UDP sockets: something on this device forbids it."})
		d.add(d.overTCP(ctx, relay, false))
		d.skip("no UDP passes", RungNAT)
		return
	}
	defer conn.Close()
	at, err := d.resolve(ctx, relay)
	if err != nil {
		d.skip(fmt.Sprintf("the relay %s is not found: %v", relay, err), RungUDP)
		d.add(d.overTCP(ctx, relay, false))
		d.skip("no relay is known", RungNAT)
		return
	}
	mapped, err := bind(ctx, conn, at, 0)
	tcp := d.overTCP(ctx, relay, err == nil)
	d.add(udp(ctx, conn, at, relay, err, tcp.Mark == OK))
	d.add(tcp)
	d.add(d.nat(ctx, conn, mapped, err, second))
}

// servers picks the relay that is looked at, and the server it is compared with. An
// agent is told of the relay at its site first: the last one is beyond the WAN.
func (d *doctor) servers(named []string) (relay, second string) {
	relay, second = d.Relay, d.Reflector
	if n := len(named); n > 0 {
		relay = cmp.Or(relay, named[n-1])
		if second == "" && named[0] != relay {
			second = named[0]
		}
	}
	return cmp.Or(relay, net.JoinHostPort(d.Server.Hostname(), defaultRelayPort)), second
}

// udp says whether UDP passes, and in what sizes.
func udp(ctx context.Context, conn net.PacketConn, at net.Addr, relay string, err error, tcp bool) Finding {
	f := Finding{Rung: RungUDP, Mark: Warn}
	if err != nil {
		if !tcp {
			f.Mark, f.Seen = Skipped, "whether UDP passes can't be told: the relay answers by no way"
			return f
		}
		f.Fault, f.Seen = FaultUDP, fmt.Sprintf("the relay %s does not answer over UDP", relay)
		f.Do = fmt.Sprintf("have the firewall let UDP to %s pass, and its answers; until then links that can't be direct go by the relay over TCP, which is slower.", relay)
		return f
	}
	for _, size := range []int{linkBytes, frameBytes} {
		if _, err := bind(ctx, conn, at, size); err != nil {
			f.Fault, f.Do = FaultMTU, adviceMTU
			f.Seen = fmt.Sprintf("UDP passes, but not packets of %d bytes", size)
			f.Way = "UDP"
			return f
		}
	}
	return Finding{Rung: RungUDP, Mark: OK, Seen: fmt.Sprintf("the relay %s answers over UDP, packets of %d bytes too", relay, frameBytes), Way: "UDP"}
}

// overTCP asks the relay over TLS, and over TCP where it speaks no TLS.
func (d *doctor) overTCP(ctx context.Context, relay string, udp bool) Finding {
	var errs []error
	for _, how := range []string{"TLS", "TCP"} {
		err := d.bindTCP(ctx, relay, how == "TLS")
		if err == nil {
			return Finding{Rung: RungRelay, Mark: OK, Seen: fmt.Sprintf("the relay %s answers over %s", relay, how), Way: how}
		}
		errs = append(errs, fmt.Errorf("over %s: %w", how, err))
	}
	f := Finding{Rung: RungRelay, Mark: Warn, Seen: fmt.Sprintf("the relay %s does not answer (%v; %v)", relay, errs[0], errs[1])}
	if udp {
		f.Mark, f.Seen = OK, f.Seen+"; it does over UDP, which is enough"
		return f
	}
	f.Fault = FaultRelay
	f.Do = fmt.Sprintf("see that the relay runs, that --stun names it, and that the firewall or proxy lets UDP or TCP to %s pass; "+
		"until then endpoints that no direct link joins fetch a copy each.", relay)
	return f
}

func (d *doctor) bindTCP(ctx context.Context, relay string, secure bool) error {
	ctx, stop := context.WithTimeout(ctx, relayTimeout)
	defer stop()
	conn, err := d.Dial(ctx, "tcp", relay)
	if err != nil {
		return err
	}
	defer conn.Close()
	if secure {
		host, _, _ := net.SplitHostPort(relay)
		// What is relayed is encrypted from end to end: whose certificate it is does not matter.
		outer := tls.Client(conn, &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host, InsecureSkipVerify: true})
		if err := outer.HandshakeContext(ctx); err != nil {
			return err
		}
		conn = outer
	}
	end, _ := ctx.Deadline()
	if err := conn.SetDeadline(end); err != nil {
		return err
	}
	req, err := stun.Build(stun.TransactionID, stun.BindingRequest)
	if err != nil {
		return err
	}
	if _, err := conn.Write(req.Raw); err != nil {
		return err
	}
	answer := make([]byte, stunHeaderBytes)
	if _, err := io.ReadFull(conn, answer); err != nil {
		return err
	}
	if !stun.IsMessage(answer) {
		return errors.New("what answers is no relay")
	}
	answer = append(answer, make([]byte, binary.BigEndian.Uint16(answer[2:]))...)
	if _, err := io.ReadFull(conn, answer[stunHeaderBytes:]); err != nil {
		return err
	}
	_, err = mappedIn(answer, req.TransactionID)
	return err
}

// nat compares what two servers see.
func (d *doctor) nat(ctx context.Context, conn net.PacketConn, mapped netip.AddrPort, err error, second string) Finding {
	f := Finding{Rung: RungNAT, Mark: Skipped}
	switch {
	case err != nil:
		f.Seen = "no STUN server answers over UDP"
		return f
	case second == "":
		f.Seen = fmt.Sprintf("seen from outside this device is %s; the kind of NAT shows only with a second STUN server: give --reflector HOST:PORT", mapped)
		return f
	}
	var other netip.AddrPort
	at, err := d.resolve(ctx, second)
	if err == nil {
		other, err = bind(ctx, conn, at, 0)
	}
	seen := fmt.Sprintf("this device is seen at %s by one server, and at %s by another", mapped, other)
	switch {
	case err != nil:
		f.Seen = fmt.Sprintf("the second STUN server %s does not answer: %v", second, err)
	case other == mapped:
		f.Mark, f.Seen = OK, fmt.Sprintf("two servers see this device at %s: a direct link can be made through this NAT", mapped)
	case other.Addr() != mapped.Addr() && (other.Addr().IsPrivate() || mapped.Addr().IsPrivate()):
		f.Seen = seen + ": they are on different sides of the NAT; give another --reflector to see its kind"
	default:
		f.Mark, f.Fault, f.Seen = Warn, FaultNAT, seen+": the NAT has another port for each destination"
		f.Do = "links to endpoints outside this LAN go by a relay; have the router map ports independently of the destination (\"full cone\", \"endpoint-independent\"), or put a relay at the site (sitecast relay)."
	}
	return f
}

func (d *doctor) resolve(ctx context.Context, at string) (*net.UDPAddr, error) {
	host, port, err := net.SplitHostPort(at)
	if err != nil {
		return nil, err
	}
	n, err := net.LookupPort("udp", port)
	if err != nil {
		return nil, err
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, uint16(n))), nil
	}
	ctx, stop := context.WithTimeout(ctx, lookupTimeout)
	defer stop()
	ips, err := d.Lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	if len(ips) == 0 {
		return nil, errors.New("the name has no address")
	}
	return net.UDPAddrFromAddrPort(netip.AddrPortFrom(ips[0].Unmap(), uint16(n))), nil
}

// errSilent means that nobody answered over UDP.
var errSilent = errors.New("no answer")

// bind asks a STUN server under which address it sees conn, in a request of so many
// bytes (0: the shortest). What is lost is asked again.
func bind(ctx context.Context, conn net.PacketConn, at net.Addr, bytes int) (netip.AddrPort, error) {
	req, err := stun.Build(stun.TransactionID, stun.BindingRequest)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if pad := bytes - stunHeaderBytes - attrHeaderBytes; pad > 0 {
		req.Add(attrPadding, make([]byte, pad))
	}
	buf := make([]byte, 1500)
	for try := range tries {
		if ctx.Err() != nil {
			return netip.AddrPort{}, ctx.Err()
		}
		// An error is what ICMP said of the packet before: it is tried again, and fits then.
		_, _ = conn.WriteTo(req.Raw, at)
		if err := conn.SetReadDeadline(time.Now().Add(firstWait << try)); err != nil {
			return netip.AddrPort{}, err
		}
		for {
			n, _, err := conn.ReadFrom(buf)
			if err != nil {
				break
			}
			if mapped, err := mappedIn(buf[:n], req.TransactionID); err == nil {
				return mapped, nil
			}
		}
	}
	return netip.AddrPort{}, errSilent
}

// mappedIn reads the answer to a request.
func mappedIn(b []byte, id [stun.TransactionIDSize]byte) (netip.AddrPort, error) {
	m := stun.Message{Raw: b}
	if err := m.Decode(); err != nil {
		return netip.AddrPort{}, err
	}
	if m.TransactionID != id || m.Type != stun.BindingSuccess {
		return netip.AddrPort{}, errors.New("an answer to something else")
	}
	var x stun.XORMappedAddress
	if err := x.GetFrom(&m); err != nil {
		return netip.AddrPort{}, err
	}
	ip, ok := netip.AddrFromSlice(x.IP)
	if !ok {
		return netip.AddrPort{}, errors.New("no address in the answer")
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(x.Port)), nil
}
