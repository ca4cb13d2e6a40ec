//go:build linux

package main

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/sitecast/sitecast/e2e/netlab"
	"github.com/sitecast/sitecast/e2e/rig"
)

//go:embed torrent.py
var torrentScript []byte

// python is Debian's, which python3-libtorrent is for.
const python = "/usr/bin/python3"

// torrent has libtorrent's default session seed at the origin and download at
// every endpoint, with a tracker beside the seed.
func torrent(ctx context.Context, s *stage) (r result, err error) {
	script := filepath.Join(s.dir, "torrent.py")
	if err := os.WriteFile(script, torrentScript, 0o600); err != nil {
		return result{}, err
	}
	l, err := s.lab.Origin.Listen("tcp", s.lab.Origin.IP().String()+":6969")
	if err != nil {
		return result{}, err
	}
	web := &http.Server{Handler: newTracker(), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = web.Serve(l) }() // until it is closed
	defer func() { err = errors.Join(err, web.Close()) }()

	file := filepath.Join(s.dir, "content.torrent")
	make := exec.CommandContext(ctx, python, script, "make", s.file, file, "http://"+l.Addr().String()+"/announce")
	if out, err := make.CombinedOutput(); err != nil {
		return result{}, fmt.Errorf("make torrent: %w\n%s", err, out)
	}
	var all []*torrentPeer
	defer func() {
		for _, p := range all {
			r.cpu += p.stop()
		}
	}()
	seed, err := startTorrent(ctx, s.lab.Origin, script, file, s.dir)
	if err != nil {
		return result{}, err
	}
	all = append(all, seed)
	if err := errors.Join(seed.await("ready"), seed.begin(), seed.await("done")); err != nil {
		return result{}, fmt.Errorf("seed: %w", err)
	}
	for i, host := range s.site.Endpoints {
		if err := os.Mkdir(s.copyOf(i), 0o700); err != nil {
			return result{}, err
		}
		p, err := startTorrent(ctx, host, script, file, s.copyOf(i))
		if err != nil {
			return result{}, err
		}
		all = append(all, p)
		if err := p.await("ready"); err != nil {
			return result{}, err
		}
	}
	before, err := s.received()
	if err != nil {
		return result{}, err
	}
	start := time.Now()
	for _, p := range all[1:] {
		err = errors.Join(err, p.begin())
	}
	for _, p := range all[1:] {
		err = errors.Join(err, p.await("done"))
	}
	r.took = time.Since(start)
	after, werr := s.received()
	r.wan = after - before
	for i := range s.site.Endpoints {
		err = errors.Join(err, rig.Check(filepath.Join(s.copyOf(i), filepath.Base(s.file)), s.sum))
	}
	return r, errors.Join(err, werr)
}

// torrentPeer is one libtorrent session.
type torrentPeer struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func startTorrent(ctx context.Context, host *netlab.Host, script, file, dir string) (*torrentPeer, error) {
	cmd := host.Command(ctx, python, script, "run", file, dir, host.IP().String())
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &torrentPeer{cmd, in, bufio.NewScanner(out)}, cmd.Start()
}

func (p *torrentPeer) begin() error {
	_, err := io.WriteString(p.in, "begin\n")
	return err
}

// await reads until the session prints a word.
func (p *torrentPeer) await(word string) error {
	for p.out.Scan() {
		if strings.TrimSpace(p.out.Text()) == word {
			return nil
		}
	}
	return fmt.Errorf("libtorrent ended before it was %s: %w", word, errors.Join(p.out.Err(), io.ErrUnexpectedEOF))
}

// stop ends the session and returns the processor time it used.
func (p *torrentPeer) stop() time.Duration {
	_ = p.cmd.Process.Signal(syscall.SIGKILL) // its state does not matter any more
	_ = p.cmd.Wait()
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}
