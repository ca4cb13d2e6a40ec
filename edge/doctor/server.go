package doctor

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"github.com/sitecast/sitecast/edge/proxy"
	"github.com/sitecast/sitecast/signaling/wire"
)

const (
	// maxSkew is how far the device's clock may be off before it is worth a word.
	maxSkew = 2 * time.Minute
	// largeBytes is a body of several full packets.
	largeBytes = 16 << 10
	// maxAnswerBytes bounds what is read of an answer.
	maxAnswerBytes = 256 << 10
	pathHealth     = "/healthz"
	pathLarge      = "/api/v1/openapi.json" // public, and many packets long
)

// server climbs the rungs to the server. One that can't be passed ends it.
func (d *doctor) server(ctx context.Context) {
	above := []Rung{RungConnection, RungTLS, RungServer, RungClock, RungSocket, RungLarge}
	if !d.add(d.name(ctx)) {
		d.skip("the server's name is not known", above...)
		return
	}
	if !d.add(d.connection(ctx)) {
		d.skip("there is no connection", above[1:]...)
		return
	}
	secure, reached := d.tls(ctx)
	d.add(secure)
	if !reached {
		d.skip("there is no TLS connection", above[2:]...)
		return
	}
	answered, skew := d.health(ctx)
	if d.add(answered); answered.Mark == Fail {
		d.skip("what answers is not the server", above[3:]...)
		return
	}
	d.add(clock(skew))
	d.add(d.socket(ctx))
	if d.small {
		d.skip("full packets are lost, see TLS", RungLarge)
		return
	}
	d.add(d.large(ctx))
}

func (d *doctor) address() string { return proxy.Address(d.Server) }

func (d *doctor) name(ctx context.Context) Finding {
	host := d.Server.Hostname()
	if _, err := netip.ParseAddr(host); err == nil {
		return Finding{Rung: RungName, Mark: OK, Seen: host + " is an address, nothing to look up"}
	}
	ctx, stop := context.WithTimeout(ctx, lookupTimeout)
	defer stop()
	addrs, err := d.Lookup(ctx, host)
	switch {
	case err == nil && len(addrs) > 0:
		return Finding{Rung: RungName, Mark: OK, Seen: fmt.Sprintf("%s is %s", host, addrs[0])}
	case err == nil:
		err = errors.New("the name has no address")
	}
	seen := fmt.Sprintf("%s is not found: %v", host, err)
	if d.Proxy != "" {
		return Finding{Rung: RungName, Mark: OK, Seen: seen + "; the proxy looks it up"}
	}
	return Finding{Rung: RungName, Mark: Fail, Fault: FaultDNS, Seen: seen,
		Do: fmt.Sprintf("check the spelling of %s and the DNS server of this device (what the network's DHCP gives out), or put the name into its hosts file.", host)}
}

func (d *doctor) connection(ctx context.Context) Finding {
	ctx, stop := context.WithTimeout(ctx, connectTimeout)
	defer stop()
	conn, err := d.Dial(ctx, "tcp", d.address())
	if err == nil {
		_ = conn.Close()
		way := "directly"
		if d.Proxy != "" {
			way = "through the proxy " + d.Proxy
		}
		return Finding{Rung: RungConnection, Mark: OK, Seen: fmt.Sprintf("%s is reached %s", d.address(), way), Way: way}
	}
	f := Finding{Rung: RungConnection, Mark: Fail, Fault: FaultUnreachable, Seen: err.Error()}
	switch {
	case d.Proxy != "":
		f.Fault = FaultProxy
		f.Do = fmt.Sprintf("see that the proxy %s runs, takes this device's name and password, and allows CONNECT to %s; or go without, with --proxy none.", d.Proxy, d.address())
	case errors.Is(err, syscall.ECONNREFUSED):
		f.Do = fmt.Sprintf("the host answers, but nothing listens at %s: start the server, or correct the port of --server.", d.address())
	default:
		f.Do = fmt.Sprintf("see that the server is on, and that the firewalls between let TCP to %s pass; if the network wants a proxy, give --proxy.", d.address())
	}
	return f
}

// config is for talking to whoever is at the other end: the rung TLS judges who that
// is, and nothing secret is said.
func (d *doctor) config() *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: d.Server.Hostname(), NextProtos: []string{"http/1.1"}, InsecureSkipVerify: true}
	if d.small {
		c.CurvePreferences = []tls.CurveID{tls.X25519}
	}
	return c
}

// shake makes a TLS connection.
func (d *doctor) shake(ctx context.Context) (state tls.ConnectionState, err error) {
	dialing, stop := context.WithTimeout(ctx, connectTimeout)
	defer stop()
	conn, err := d.Dial(dialing, "tcp", d.address())
	if err != nil {
		return state, err
	}
	ctx, stop = context.WithTimeout(ctx, stallTimeout)
	defer stop()
	defer conn.Close()
	secure := tls.Client(conn, d.config())
	err = secure.HandshakeContext(ctx)
	return secure.ConnectionState(), err
}

// tls reports whether there is TLS at all, and whose. A hello with a key exchange that
// withstands quantum computers fills more than one packet: where only a small one gets
// an answer, full packets are lost.
func (d *doctor) tls(ctx context.Context) (f Finding, reached bool) {
	f = Finding{Rung: RungTLS}
	if d.Server.Scheme == "http" {
		f.Mark, f.Seen = OK, "plain http, as --server says"
		return f, true
	}
	state, err := d.shake(ctx)
	if timedOut(err) {
		d.small = true
		if _, again := d.shake(ctx); again == nil {
			f.Mark, f.Fault, f.Do = Fail, FaultMTU, adviceMTU
			f.Seen = "TLS stands still when its first message fills more than one packet, and not when it is small"
			return f, true
		}
	}
	if plain := new(tls.RecordHeaderError); errors.As(err, plain) {
		f.Mark, f.Fault, f.Seen = Fail, FaultUnreachable, "what answers does not speak TLS"
		f.Do = fmt.Sprintf("correct --server if %s is a port for plain http; else something in between answers, such as a page where guests log on: log on there.", d.address())
		return f, false
	}
	if err != nil {
		f.Mark, f.Fault, f.Seen = Fail, FaultTLS, "TLS is cut off: "+err.Error()
		f.Do = fmt.Sprintf("have whoever runs the network let TLS to %s pass as it is.", d.address())
		return f, false
	}
	by, err := d.Trust(state.PeerCertificates)
	return judge(by, err, state.PeerCertificates, d.address()), true
}

// judge says what a certificate tells.
func judge(by Voucher, err error, chain []*x509.Certificate, at string) Finding {
	issuer := "somebody without a name"
	if len(chain) > 0 {
		issuer = cmp.Or(chain[0].Issuer.String(), issuer)
	}
	f := Finding{Rung: RungTLS, Mark: OK}
	switch by {
	case Pinned:
		f.Seen = "the certificate is the one this endpoint enrolled with"
		return f
	case Authorities:
		f.Seen = fmt.Sprintf("this system's authorities vouch for the certificate, which %q issued", issuer)
		return f
	case Added:
		f.Mark, f.Fault, f.Seen = Warn, FaultTLS, fmt.Sprintf("%q issued the certificate, an authority of --ca-file: the network opens TLS", issuer)
		f.Do = fmt.Sprintf("whoever runs the network reads what is said to the server, but not content or links; have %s left as it is if that is unwanted.", at)
		return f
	case Unjudged:
		f.Mark, f.Seen = Warn, fmt.Sprintf("%q issued the certificate; without the endpoint's folder nothing tells whether that is the server's", issuer)
		f.Do = "Give --data DIR of an enrolled endpoint to have the server's certificate judged."
		return f
	}
	f.Mark = Fail
	if invalid := new(x509.CertificateInvalidError); errors.As(err, invalid) && invalid.Reason == x509.Expired {
		f.Fault, f.Seen = FaultClock, fmt.Sprintf("the certificate that %q issued does not hold at this device's time: %v", issuer, err)
		f.Do = "set this device's clock; if it is right, have the server's certificate renewed."
		return f
	}
	f.Fault, f.Seen = FaultTLS, fmt.Sprintf("%q issued the certificate, and that is not the server this endpoint enrolled with: %v", issuer, err)
	f.Do = fmt.Sprintf("if that is your network's TLS inspection, name its authority with --ca-file, or have %s exempted; if the server was set up anew, enrol again.", at)
	return f
}

// ask makes a request; the answer is bounded.
func (d *doctor) ask(ctx context.Context, method, path string, header http.Header, body []byte) (*http.Response, []byte, error) {
	ctx, stop := context.WithTimeout(ctx, requestTimeout)
	defer stop()
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client := http.Client{CheckRedirect: stay, Transport: &http.Transport{DialContext: d.Dial, TLSClientConfig: d.config(), DisableKeepAlives: true,
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}}
	req, err := http.NewRequestWithContext(ctx, method, d.Server.JoinPath(path).String(), bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return resp, nil, nil
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes))
	return resp, text, err
}

// health asks whether the server is well; skew is how much the device's clock is ahead.
func (d *doctor) health(ctx context.Context) (f Finding, skew *time.Duration) {
	f = Finding{Rung: RungServer, Mark: Fail}
	resp, text, err := d.ask(ctx, http.MethodGet, pathHealth, nil, nil)
	if err != nil {
		f.Fault, f.Seen = FaultUnreachable, "no answer to GET "+pathHealth+": "+err.Error()
		f.Do = "look into the server's log; if nothing arrives there, something in between swallows requests."
		return f, nil
	}
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		ahead := time.Since(at)
		skew = &ahead
	}
	switch {
	case resp.StatusCode == http.StatusOK && string(text) == "ok\n":
		return Finding{Rung: RungServer, Mark: OK, Seen: "the server says that it is well"}, skew
	case resp.StatusCode >= 500:
		f.Fault, f.Seen = FaultUnreachable, fmt.Sprintf("GET %s is answered %s", pathHealth, resp.Status)
		f.Do = "the server, or what stands before it, is not well: look into their logs."
		return f, skew
	}
	f.Fault, f.Seen = FaultPortal, fmt.Sprintf("GET %s is answered %s, which is not the server's answer", pathHealth, resp.Status)
	if to := resp.Header.Get("Location"); to != "" {
		f.Seen += fmt.Sprintf(" and leads to %.200q", to)
	}
	f.Do = "open a browser on this network and log on where guests do; if there is no such page, correct --server."
	return f, skew
}

func clock(skew *time.Duration) Finding {
	if skew == nil {
		return Finding{Rung: RungClock, Mark: Skipped, Seen: "the server did not say what time it is"}
	}
	off := skew.Round(time.Second)
	if off.Abs() <= maxSkew {
		return Finding{Rung: RungClock, Mark: OK, Seen: "this device's clock is right"}
	}
	where := "ahead"
	if off < 0 {
		where = "behind"
	}
	return Finding{Rung: RungClock, Mark: Warn, Fault: FaultClock, Seen: fmt.Sprintf("this device's clock is %s %s of the server's", off.Abs(), where),
		Do: "set it (NTP); Sitecast goes by the server's time and does not mind, other programs do."}
}

// socket asks for a WebSocket without saying who asks: a server that gets the request
// whole refuses it for that reason alone.
func (d *doctor) socket(ctx context.Context) Finding {
	resp, _, err := d.ask(ctx, http.MethodGet, wire.PathSignal, http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"},
		"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"c2l0ZWNhc3QgZG9jdG9yIQ=="}}, nil)
	if err == nil && resp.StatusCode == http.StatusUnauthorized {
		return Finding{Rung: RungSocket, Mark: OK, Seen: "WebSockets reach the server", Way: "WebSocket"}
	}
	f := Finding{Rung: RungSocket, Mark: Warn, Fault: FaultWebSocket, Way: "plain requests",
		Do: fmt.Sprintf("have the proxy or firewall let WebSockets to %s pass; until then plain requests carry the socket.", d.address())}
	switch {
	case err != nil:
		f.Seen = "a WebSocket gets no answer: " + err.Error()
	case resp.StatusCode == http.StatusUpgradeRequired:
		f.Seen = "something takes the wish for a WebSocket out of the request"
	default:
		f.Seen = "a WebSocket is answered " + resp.Status + ", not by the server"
	}
	resp, _, err = d.ask(ctx, http.MethodPost, wire.PathTunnel, nil, nil)
	if err == nil && resp.StatusCode == http.StatusUnauthorized {
		f.Seen += "; plain requests pass"
		return f
	}
	f.Mark, f.Way = Fail, ""
	f.Seen += "; neither do plain requests pass"
	f.Do = fmt.Sprintf("have the proxy or firewall let WebSockets, or POST %s, pass to %s.", wire.PathTunnel, d.address())
	return f
}

const adviceMTU = "full packets are lost on the way and nobody says so: set this device's MTU lower (ip link set dev IFACE mtu 1400), " +
	"or have the router or VPN clamp the MSS of TCP and let ICMP \"fragmentation needed\" pass."

// large moves a body of several packets in each direction, where small ones passed. The
// one to the server is an empty proof of a session with blanks after it: the server has
// to read it all to refuse it.
func (d *doctor) large(ctx context.Context) Finding {
	body := append([]byte("{}"), bytes.Repeat([]byte{' '}, largeBytes)...)
	_, _, up := d.ask(ctx, http.MethodPost, wire.PathSession, http.Header{"Content-Type": {"application/json"}}, body)
	_, _, down := d.ask(ctx, http.MethodGet, pathLarge, nil, nil)
	var stuck []string
	if timedOut(up) {
		stuck = append(stuck, "to")
	}
	if timedOut(down) {
		stuck = append(stuck, "from")
	}
	switch {
	case len(stuck) > 0:
		return Finding{Rung: RungLarge, Mark: Fail, Fault: FaultMTU, Do: adviceMTU,
			Seen: "small requests pass, but full packets " + strings.Join(stuck, " and ") + " the server do not arrive"}
	case up != nil || down != nil:
		return Finding{Rung: RungLarge, Mark: Skipped, Seen: "a large request failed: " + errors.Join(up, down).Error()}
	}
	return Finding{Rung: RungLarge, Mark: OK, Seen: "full packets pass in both directions"}
}

func timedOut(err error) bool {
	var slow net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &slow) && slow.Timeout()
}
