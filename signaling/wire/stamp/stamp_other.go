//go:build !linux

package stamp

import "net"

// Of returns what reads from conn.
func Of(conn net.PacketConn) Reader { return plain(conn) }

func stamped(conn net.Conn) net.Conn { return conn }
