//go:build !linux

package stamp

import "net"

// Of returns what reads from conn.
func Of(conn net.PacketConn) Reader { return plain(conn) }
