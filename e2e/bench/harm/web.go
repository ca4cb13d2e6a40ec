//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/sitecast/sitecast/e2e/netlab"
	"github.com/sitecast/sitecast/e2e/rig"
)

const (
	pageSize = 100_000
	// pageEvery is the mean time between two requests; each comes when it comes, so
	// the times between are exponential, and the same in every run.
	pageEvery = 500 * time.Millisecond
	// pageLate is the most that one request can take.
	pageLate = 10 * time.Second
	webPort  = 80
	bulkPort = 81
)

// serve answers every request on a port of a host: with a page on webPort, and
// with bytes without end on bulkPort. The congestion control is its sockets'.
func serve(h *netlab.Host, port int, control string) (net.Listener, error) {
	l, err := h.ListenBy(fmt.Sprintf("%v:%d", h.IP(), port), control)
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed
			}
			go answer(c, port == bulkPort)
		}
	}()
	return l, nil
}

var page = strings.Repeat("0123456789abcdef", pageSize/16)

// answer writes until the page is over, or whoever asked is gone.
func answer(c net.Conn, endless bool) {
	defer c.Close()
	lines := bufio.NewScanner(c)
	for lines.Scan() && lines.Text() != "" {
		// The request's header says nothing that matters.
	}
	_, err := io.WriteString(c, "HTTP/1.0 200 OK\r\n\r\n")
	for err == nil {
		if _, err = io.WriteString(c, page); !endless {
			return
		}
	}
}

// browse asks for pages, one a connection, until a time, and returns how long each
// took from the first packet to the last byte.
func browse(ctx context.Context, from *netlab.Host, address string, until time.Time) ([]time.Duration, error) {
	random := rand.New(rand.NewPCG(4, 2))
	var (
		wg sync.WaitGroup
		// mu guards took and failed.
		mu     sync.Mutex
		took   []time.Duration
		failed error
	)
	next := time.Now()
	for {
		next = next.Add(time.Duration(random.ExpFloat64() * float64(pageEvery)))
		if next.After(until) {
			break
		}
		if err := rig.Pause(ctx, time.Until(next)); err != nil {
			failed = err
			break
		}
		wg.Go(func() {
			d, err := get(from, address)
			mu.Lock()
			defer mu.Unlock()
			took, failed = append(took, d), errors.Join(failed, err)
		})
	}
	wg.Wait()
	return took, failed
}

// get asks for one page. One that fails or is late counts as pageLate.
func get(from *netlab.Host, address string) (took time.Duration, err error) {
	var begun time.Time
	var c net.Conn
	err = from.Do(func() error {
		begun = time.Now()
		c, err = (&net.Dialer{Timeout: pageLate}).Dial("tcp4", address)
		return err
	})
	if err != nil {
		return pageLate, nil
	}
	defer c.Close()
	if err := c.SetDeadline(begun.Add(pageLate)); err != nil {
		return 0, err
	}
	if _, err := io.WriteString(c, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		return pageLate, nil
	}
	n, err := io.Copy(io.Discard, c)
	if err != nil || n < int64(len(page)) {
		return pageLate, nil
	}
	return time.Since(begun), nil
}
