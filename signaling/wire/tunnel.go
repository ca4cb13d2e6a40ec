package wire

import "time"

// A tunnel carries an endpoint's control socket over plain requests (HTTPS long
// polling) where a proxy lets no WebSocket pass. Its two streams of bytes are counted
// from 0, so that a request that is repeated does no harm:
//
//	POST   PathTunnel           with the endpoint's token: the answer is the tunnel's id
//	POST   PathTunnel/ID?at=N   brings the bytes from N on
//	GET    PathTunnel/ID?at=N   gets bytes from N on, and says that those before came
//	DELETE PathTunnel/ID        ends it
//
// 404 and 410 mean that the tunnel has ended.
const (
	PathTunnel = "/api/v1/tunnel"
	// TunnelLay is a header of the answer to a GET: for how many microseconds the last of
	// its bytes lay there, while no request asked for them.
	TunnelLay = "Sitecast-Lay"
	// MaxTunnelBytes bounds the body of one request or answer.
	MaxTunnelBytes = 64 << 10
	// TunnelWait is how long a GET waits for a byte: less than what proxies wait for an
	// answer.
	TunnelWait = 20 * time.Second
	// TunnelIdle is how long a tunnel lives without a request.
	TunnelIdle = time.Minute
)
