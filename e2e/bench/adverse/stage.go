//go:build linux

package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/sitecast/sitecast/e2e/bench/grid"
	"github.com/sitecast/sitecast/e2e/netlab"
	"github.com/sitecast/sitecast/e2e/rig"
)

const (
	endpoints = 2
	// rivalPatience is how long curl is watched: its goodput is known by then.
	rivalPatience = 2 * time.Minute
	// patience is what we get at most to come online, and to deliver.
	patience = 20 * time.Minute

	takenMetric = "sitecast_governor_taken_bytes_total"
)

// stage is the network of one phase, and the file that is brought over it.
type stage struct {
	cell grid.Cell
	ctx  context.Context
	exe  string
	dir  string
	file string
	sum  [sha256.Size]byte
	lab  *netlab.Lab
	site *netlab.Site
}

// open builds the network. The WAN is as bad from the start as it stays.
func open(ctx context.Context, c grid.Cell, exe string) (s *stage, err error) {
	s = &stage{cell: c, ctx: ctx, exe: exe}
	if s.dir, err = os.MkdirTemp("", "sitecast-adverse-cell-"); err != nil {
		return nil, err
	}
	s.file = filepath.Join(s.dir, "content.bin")
	if s.sum, err = rig.Random(s.file, size(c), [32]byte{1}); err == nil {
		s.lab, err = netlab.Start(netlab.Plan{
			Sites: []netlab.SitePlan{{Endpoints: endpoints, WAN: netlab.Both(c.Link(leastQueue))}},
			// Or each connection would begin with what the one before it had learned.
			Sysctls: map[string]string{"net.ipv4.tcp_congestion_control": "bbr", "net.ipv4.tcp_no_metrics_save": "1"},
		})
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	s.site = s.lab.Sites[0]
	return s, nil
}

func (s *stage) close() error { return errors.Join(s.lab.Close(), os.RemoveAll(s.dir)) }

// counted adds to what f measures the frames that meanwhile came over the WAN.
func (s *stage) counted(f func() (figures, error)) (figures, error) {
	before, err := s.site.WAN()
	if err != nil {
		return figures{}, err
	}
	got, err := f()
	after, werr := s.site.WAN()
	got.WAN = after.Minus(before).ReceivedBytes
	return got, errors.Join(err, werr)
}

// curl has one endpoint download the file in plain HTTP from a server that sends with
// the named congestion control.
func (s *stage) curl(control string) (figures, error) {
	l, err := s.lab.Origin.ListenBy(fmt.Sprintf("%v:80", s.lab.Origin.IP()), control)
	if err != nil {
		return figures{}, err
	}
	server := &http.Server{Handler: http.FileServer(http.Dir(s.dir)), ReadHeaderTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	defer func() {
		_ = server.Close() // its listener is what can fail
		<-served
	}()
	return s.counted(func() (figures, error) { return s.download(l.Addr().String()) })
}

// download runs curl until it has the file or is not waited for any longer.
func (s *stage) download(address string) (f figures, err error) {
	ctx, stop := context.WithCancel(s.ctx)
	defer stop()
	to := filepath.Join(s.dir, "copy.bin")
	curl := s.site.Endpoints[0].Command(ctx, "curl", "-sSf", "-o", to, "http://"+address+"/"+filepath.Base(s.file))
	if err := curl.Start(); err != nil {
		return f, err
	}
	ended := make(chan error, 1)
	go func() { ended <- curl.Wait() }()
	f, err = newWatch(time.Now()).until(ctx, rivalPatience, func() (int64, bool, error) {
		select {
		case err := <-ended:
			ended <- nil
			// One that gives up has not got it, which is no fault of the bench.
			if gave := new(exec.ExitError); err != nil && !errors.As(err, &gave) {
				return 0, false, err
			}
			return length(to), true, nil
		default:
			return length(to), false, nil
		}
	})
	stop()
	<-ended
	if f.Complete && err == nil {
		f.Complete = rig.Check(to, s.sum) == nil
	}
	return f, err
}

// length is how long a file is so far.
func length(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0 // it is not there yet
	}
	return info.Size()
}

// sitecast has the agents come online and measures from the order to the last
// endpoint at which the file is visible, which it is once verified.
func (s *stage) sitecast(keep string) (f figures, err error) {
	in, err := rig.Start(s.ctx, s.lab, s.exe, s.dir, rig.TLS)
	if err != nil {
		return f, err
	}
	defer func() {
		err = errors.Join(err, in.Close())
		if keep != "" {
			err = errors.Join(err, in.KeepLogs(filepath.Join(keep, s.cell.String())))
		}
	}()
	if err := in.Publish(s.ctx, s.file, "adverse", "1"); err != nil {
		return f, err
	}
	online, err := s.online(in)
	if err != nil {
		return f, err
	}
	f, err = s.counted(func() (figures, error) { return s.deliver(in) })
	f.Online = online.Seconds()
	return f, err
}

// online starts the agents and waits until all are online.
func (s *stage) online(in *rig.Rig) (time.Duration, error) {
	start := time.Now()
	for k := range s.site.Endpoints {
		if _, err := in.StartAgent(s.ctx, 0, k); err != nil {
			return 0, err
		}
	}
	for time.Since(start) < patience {
		list, err := in.Endpoints(s.ctx)
		if err != nil {
			return 0, err
		}
		on := 0
		for _, e := range list {
			if e.Online {
				on++
			}
		}
		if on == endpoints {
			return time.Since(start), nil
		}
		if err := rig.Pause(s.ctx, watchEvery); err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("the agents are not online after %v:\n%s", patience, in.Agents[0][0].Log())
}

// deliver orders the content and waits for it. Bytes are what agents took from the
// origin, until all is there.
func (s *stage) deliver(in *rig.Rig) (f figures, err error) {
	w := newWatch(time.Now())
	if _, err := in.Sitecast(s.ctx, "distribute", "adverse@1", "--all"); err != nil {
		return f, err
	}
	f, err = w.until(s.ctx, patience, func() (taken int64, done bool, err error) {
		done = true
		for _, a := range in.Agents[0] {
			n, err := a.Metric(s.ctx, takenMetric)
			if err != nil {
				return 0, false, err
			}
			taken += int64(n)
			_, missing := os.Stat(s.placed(a))
			done = done && missing == nil
		}
		return taken, done, nil
	})
	if !f.Complete {
		return f, err
	}
	f.Bytes = size(s.cell)
	for _, a := range in.Agents[0] {
		err = errors.Join(err, rig.Check(s.placed(a), s.sum))
	}
	return f, err
}

func (s *stage) placed(a *rig.Agent) string {
	return filepath.Join(a.Placed("adverse", "1"), filepath.Base(s.file))
}
