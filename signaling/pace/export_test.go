package pace

import "net"

// MaxPaced is how many answers are paced at once.
const MaxPaced = maxPaced

// Look is how many segments a connection has sent.
func Look(conn net.Conn) (sent uint64, ok bool) {
	c, ok := look(conn)
	return c.sent, ok
}

// Changes are all that chooses a connection's congestion control.
var Changes = []func(conn net.Conn, lossy bool){
	func(conn net.Conn, lossy bool) { set(conn, 1<<20, lossy) }, grow, use,
}
