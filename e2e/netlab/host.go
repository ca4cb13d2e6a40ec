//go:build linux

package netlab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// netnsDir is where iproute2 keeps the names of namespaces.
const netnsDir = "/run/netns"

// Host is one network namespace.
type Host struct {
	name string // of the namespace
	addr netip.Addr
	old  netip.Addr // of IPv4, where addr is of IPv6 and the host has both
}

// Name is the namespace's name, for `ip netns exec`.
func (h *Host) Name() string { return h.name }

// IP is the address that other hosts reach it by. A router's is that on its LAN.
func (h *Host) IP() netip.Addr { return h.addr }

// IPs are that address and, where the host has both kinds, that of IPv4.
func (h *Host) IPs() []netip.Addr {
	if h.old.IsValid() {
		return []netip.Addr{h.addr, h.old}
	}
	return []netip.Addr{h.addr}
}

// Command prepares a program that runs on the host. The process is the program's
// own, so signals and resource usage are those of the program.
func (h *Host) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", h.name, name}, args...)...)
}

// Do calls f on a thread that stands on the host: sockets made by f itself, and
// /proc/thread-self and /proc/sys/net read by it, are the host's. Goroutines that
// f starts are not on the host.
func (h *Host) Do(f func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		back, err := enter(h.name)
		if err != nil {
			runtime.UnlockOSThread()
			result <- err
			return
		}
		result <- f()
		// A thread that can't return stays locked, and ends with this goroutine.
		if back() == nil {
			runtime.UnlockOSThread()
		}
	}()
	return <-result
}

// Listen listens on the host for this process.
func (h *Host) Listen(network, addr string) (l net.Listener, err error) {
	err = h.Do(func() error {
		l, err = net.Listen(network, addr)
		return err
	})
	return l, err
}

// ListenBy is Listen for TCP whose connections send with the named congestion control.
func (h *Host) ListenBy(addr, control string) (net.Listener, error) {
	l, err := h.Listen("tcp4", addr)
	if err != nil {
		return nil, err
	}
	raw, err := l.(*net.TCPListener).SyscallConn()
	if err == nil {
		var failed error
		// What is accepted inherits it.
		err = raw.Control(func(fd uintptr) {
			failed = unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, control)
		})
		err = errors.Join(err, failed)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("use %s: %w", control, err), l.Close())
	}
	return l, nil
}

// enter moves the calling thread to a namespace and returns the way back.
func enter(name string) (back func() error, err error) {
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return nil, fmt.Errorf("open own namespace: %w", err)
	}
	there, err := os.Open(filepath.Join(netnsDir, name))
	if err != nil {
		_ = home.Close() // opened for reading
		return nil, fmt.Errorf("open namespace: %w", err)
	}
	defer there.Close()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		_ = home.Close() // opened for reading
		return nil, fmt.Errorf("enter namespace %s: %w", name, err)
	}
	return func() error {
		defer home.Close()
		return unix.Setns(int(home.Fd()), unix.CLONE_NEWNET)
	}, nil
}

const (
	congestionControl = "net.ipv4.tcp_congestion_control"
	allowedControls   = "/proc/sys/net/ipv4/tcp_allowed_congestion_control"
)

// allowControl lets namespaces choose a TCP congestion control that only the
// machine itself could choose before. It is the one setting of the machine that
// this package changes, and it leaves it.
func allowControl(name string) error {
	allowed, err := os.ReadFile(allowedControls)
	if err != nil {
		return fmt.Errorf("read allowed congestion controls: %w", err)
	}
	if slices.Contains(strings.Fields(string(allowed)), name) {
		return nil
	}
	text := strings.TrimSpace(string(allowed)) + " " + name
	if err := os.WriteFile(allowedControls, []byte(text), 0); err != nil {
		return fmt.Errorf("allow congestion control %s: %w", name, err)
	}
	return nil
}

// setSysctls writes kernel settings, each named like net.ipv4.ip_forward.
func (h *Host) setSysctls(settings map[string]string) error {
	return h.Do(func() error {
		for key, value := range settings {
			path := filepath.Join("/proc/sys", strings.ReplaceAll(key, ".", "/"))
			if err := os.WriteFile(path, []byte(value), 0); err != nil {
				return fmt.Errorf("set %s on %s: %w", key, h.name, err)
			}
		}
		return nil
	})
}

// ip and tc run lines of commands on the host, as a batch.
func (h *Host) ip(lines ...string) error { return batch("ip", []string{"-n", h.name}, lines) }
func (h *Host) tc(lines ...string) error { return batch("tc", []string{"-n", h.name}, lines) }

func batch(program string, flags, lines []string) error {
	if len(lines) == 0 {
		return nil
	}
	cmd := exec.Command(program, append(flags, "-batch", "-")...)
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", program, strings.Join(flags, " "), err, out)
	}
	return nil
}
