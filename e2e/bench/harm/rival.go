//go:build linux

package main

import (
	"bufio"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/sitecast/sitecast/e2e/netlab"
)

// Nobody is a rival, too: what others have beside nobody tells how much of a
// difference is chance. The others run as one download by one endpoint, the kindest way: a site of six that
// each fetch for themselves would press the foreground six times as hard.

//go:embed torrent.py
var torrentScript []byte

// python is Debian's, which python3-libtorrent is for.
const python = "/usr/bin/python3"

// rival measures what others have while a rival downloads.
func (s *stage) rival(phase string) (r beside, err error) {
	stop := func() {}
	switch phase {
	case phaseCurl:
		stop, err = s.curl()
	case phaseUTP:
		stop, err = s.torrent()
	}
	if err != nil {
		return r, err
	}
	defer stop()
	if r, _, err = s.disturb(); err == nil && phase == phaseNobody {
		r.WebP50, r.WebP95, err = s.browse()
	}
	return r, err
}

// curl downloads bytes without end, from a sender with the same congestion control
// as Sitecast's origin.
func (s *stage) curl() (stop func(), err error) {
	cmd := s.site.Endpoints[0].Command(s.ctx, "curl", "-sS", "-o", "/dev/null",
		fmt.Sprintf("http://%v:%d/", s.lab.Origin.IP(), bulkPort))
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() { end(cmd) }, nil
}

// torrent has libtorrent download by uTP alone, from a seed at the origin.
func (s *stage) torrent() (stop func(), err error) {
	script, file := filepath.Join(s.dir, "torrent.py"), filepath.Join(s.dir, "rival")
	metadata, folder := filepath.Join(s.dir, "rival.torrent"), filepath.Join(s.dir, "downloaded")
	err = errors.Join(os.WriteFile(script, torrentScript, 0o600), os.RemoveAll(folder), os.Mkdir(folder, 0o700))
	if err != nil {
		return nil, err
	}
	// Nothing on the way compresses, so it may be a file of zeros.
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.Truncate(s.content()[0].size), f.Close()); err != nil {
		return nil, err
	}
	if out, err := exec.CommandContext(s.ctx, python, script, "make", file, metadata).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("make torrent (make bench-harm installs libtorrent): %w\n%s", err, out)
	}
	seed, err := s.session(s.lab.Origin, script, "seed", metadata, s.dir)
	if err != nil {
		return nil, err
	}
	leech, err := s.session(s.site.Endpoints[0], script, "fetch", metadata, folder, s.lab.Origin.IP().String())
	if err != nil {
		end(seed)
		return nil, err
	}
	return func() { end(leech); end(seed) }, nil
}

// session starts one of libtorrent, and waits until it is at work.
func (s *stage) session(h *netlab.Host, script, what, metadata, folder string, more ...string) (*exec.Cmd, error) {
	cmd := h.Command(s.ctx, python, append([]string{script, what, metadata, folder, h.IP().String()}, more...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if strings.TrimSpace(line) != "ready" {
		end(cmd)
		return nil, fmt.Errorf("libtorrent ended before it could %s: %w", what, errors.Join(err, io.ErrUnexpectedEOF))
	}
	return cmd, nil
}

// end kills a program whose state does not matter any more.
func end(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}
