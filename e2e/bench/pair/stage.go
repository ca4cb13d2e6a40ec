//go:build linux

package main

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sitecast/sitecast/e2e/bench/grid"
	"github.com/sitecast/sitecast/e2e/netlab"
)

// open builds a way between two hosts: the lab's origin, which sends, and an endpoint.
func open(c grid.Cell) (*netlab.Lab, error) {
	return netlab.Start(netlab.Plan{
		Sites: []netlab.SitePlan{{Endpoints: 1, WAN: netlab.Both(c.Link(leastQueue))}},
		Sysctls: map[string]string{
			// Or each connection would begin with what the one before it had learned.
			"net.ipv4.tcp_no_metrics_save": "1",
			// Room for the longest way, twice.
			"net.ipv4.tcp_wmem": "4096 131072 33554432",
			"net.ipv4.tcp_rmem": "4096 131072 33554432",
		},
	})
}

// watch looks at what has come of a flow that begins now.
func watch(ctx context.Context, c grid.Cell, got func() int64) (figures, error) {
	every := time.NewTicker(max(c.RTT/4, 5*time.Millisecond))
	defer every.Stop()
	begun, before, spent := time.Now(), got(), cpu()
	var seen curve
	for {
		select {
		case <-ctx.Done():
			return figures{}, ctx.Err()
		case <-every.C:
		}
		at := time.Since(begun)
		seen = append(seen, point{at, got() - before})
		if at >= settling(c)+steady {
			return figures{Goodput: seen.goodput(settling(c)), Ramp: seen.ramp(c.RTT, c.Rate()),
				Standstill: seen.standstill().Seconds(), CPU: (cpu() - spent).Seconds() / at.Seconds()}, nil
		}
	}
}

// cpu is the time that this process had of all processors.
func cpu() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0 // never, for oneself
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// dialPatience bounds how long TCP may take to connect; on the worst ways a few of its
// first packets are lost.
const dialPatience = time.Minute

// tcp measures one connection whose sender has the named congestion control.
func tcp(ctx context.Context, c grid.Cell, from, to *netlab.Host, control string) (f figures, err error) {
	l, err := from.ListenBy(from.IP().String()+":0", control)
	if err != nil {
		return f, err
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer l.Close()
	wg.Go(func() {
		if conn, err := l.Accept(); err == nil {
			defer conn.Close()
			_, _ = io.Copy(conn, endless{}) // until the other end has enough
		}
	})
	var conn net.Conn
	begun := time.Now()
	err = to.Do(func() error {
		conn, err = net.DialTimeout("tcp4", l.Addr().String(), dialPatience)
		return err
	})
	if err != nil {
		return f, err
	}
	defer conn.Close()
	up := time.Since(begun)
	var got counter
	wg.Go(func() { _, _ = io.Copy(&got, conn) })
	f, err = watch(ctx, c, got.Load)
	f.UpSeconds = up.Seconds()
	return f, errors.Join(err, conn.Close())
}

// endless reads as zeros.
type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }

// counter counts what is written to it.
type counter struct{ atomic.Int64 }

func (c *counter) Write(b []byte) (int, error) {
	c.Add(int64(len(b)))
	return len(b), nil
}
