package host

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// listen hears from the kernel when addresses or carriers of interfaces change
// (rtnetlink(7)). What it says is not read: whoever hears of it looks. The channel is
// closed when nothing more comes.
func listen() (hints <-chan struct{}, stop func()) {
	out := make(chan struct{}, 1)
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, func() {}
	}
	sock := os.NewFile(uintptr(fd), "netlink")
	err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR})
	if err != nil {
		_ = sock.Close() // nothing was read
		return nil, func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(out)
		buf := make([]byte, 4<<10)
		for {
			// More than the socket holds is lost, and said: that is news as well.
			if _, err := sock.Read(buf); err != nil && !errors.Is(err, unix.ENOBUFS) {
				return
			}
			select {
			case out <- struct{}{}:
			default:
			}
		}
	}()
	return out, func() {
		_ = sock.Close() // ends the read
		<-done
	}
}
