//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sitecast/sitecast/e2e/netlab"
	"github.com/sitecast/sitecast/e2e/rig"
	"github.com/sitecast/sitecast/edge/engine"
	"github.com/sitecast/sitecast/edge/polite"
)

const (
	volumeBytes = 3 << 30
	// storedBytes is the version that is scrubbed, and arrivingBytes one that arrives: more
	// than the line brings in the time.
	storedBytes   = 256 << 20
	arrivingBytes = 512 << 20
	wanRate       = 200_000_000
	wanDelay      = 10 * time.Millisecond
	// patience bounds what is waited for.
	patience = 3 * time.Minute
)

// stage is a site of two endpoints, the first of which shares its disk with fio.
type stage struct {
	ctx    context.Context
	span   time.Duration
	dir    string
	lab    *netlab.Lab
	rig    *rig.Rig
	agent  *rig.Agent
	volume *volume
	fio    string // folder of the foreground
	serial int
}

func newStage(ctx context.Context, exe string, span time.Duration) (s *stage, err error) {
	s = &stage{ctx: ctx, span: span}
	if s.dir, err = os.MkdirTemp("", "sitecast-bench-"); err != nil {
		return s, err
	}
	link := netlab.Link{Rate: wanRate, Delay: wanDelay}
	if s.lab, err = netlab.Start(netlab.Plan{Sites: []netlab.SitePlan{{Endpoints: 2, WAN: netlab.Both(link)}}}); err != nil {
		return s, err
	}
	if s.rig, err = rig.Start(ctx, s.lab, exe, s.dir, rig.TLS); err != nil {
		return s, err
	}
	data := filepath.Join(s.dir, rig.SiteName(0)+"-till-1") // where the rig has the first agent keep all
	if s.volume, err = mount(ctx, filepath.Join("/dev/shm", filepath.Base(s.dir)), data, volumeBytes); err != nil {
		return s, err
	}
	s.fio = filepath.Join(data, "foreground")
	if err := os.Mkdir(s.fio, 0o755); err != nil {
		return s, err
	}
	if err := s.rig.StartAgents(ctx); err != nil {
		return s, err
	}
	s.agent = s.rig.Agents[0][0]
	if _, err := foreground(ctx, s.fio, time.Second); err != nil { // lays its files out
		return s, err
	}
	return s, s.deliver("stored", storedBytes, "--wait")
}

func (s *stage) close() (err error) {
	if s.rig != nil {
		err = s.rig.Close()
	}
	if s.volume != nil {
		err = errors.Join(err, s.volume.unmount())
	}
	if s.lab != nil {
		err = errors.Join(err, s.lab.Close())
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// deliver publishes a file that nothing compresses, and orders it.
func (s *stage) deliver(name string, bytes int64, flags ...string) error {
	s.serial++
	version, file := strconv.Itoa(s.serial), filepath.Join(s.dir, name+".bin")
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	random, block := rand.NewChaCha8([32]byte{byte(s.serial)}), make([]byte, 1<<20)
	for ; bytes > 0 && err == nil; bytes -= int64(len(block)) {
		_, _ = random.Read(block)
		_, err = f.Write(block)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := s.rig.Publish(s.ctx, file, name, version); err != nil {
		return err
	}
	_, err = s.rig.Sitecast(s.ctx, append([]string{"distribute", name + "@" + version, "--all"}, flags...)...)
	return err
}

// measure measures everything once.
func (s *stage) measure(found func(row)) error {
	before, err := foreground(s.ctx, s.fio, s.span)
	for _, polite := range []bool{true, false} {
		for _, beside := range []struct {
			what  string
			begin func(polite bool) error
		}{{"arrival", s.arrival}, {"scrub", s.scrub}} {
			r := row{beside: beside.what, polite: polite, before: before}
			if err == nil {
				err = beside.begin(polite)
			}
			if err == nil {
				err = s.beside(&r)
			}
			if err != nil {
				return fmt.Errorf("beside %s: %w", beside.what, err)
			}
			found(r)
			before = r.after
		}
	}
	return err
}

// beside runs the foreground beside what has begun, and then alone.
func (s *stage) beside(r *row) (err error) {
	if r.polite {
		if err := s.idle(); err != nil {
			return err
		}
	}
	moved, err := s.moved()
	if err != nil {
		return err
	}
	begun := time.Now()
	if r.with, err = foreground(s.ctx, s.fio, s.span); err != nil {
		return err
	}
	took, now := time.Since(begun), int64(0)
	if now, err = s.moved(); err != nil {
		return err
	}
	r.agent = float64(now-moved) / took.Seconds()
	if err := s.agent.Stop(); err != nil {
		return err
	}
	r.after, err = foreground(s.ctx, s.fio, s.span)
	return err
}

// moved is what the agent's process had the disk read and write so far, bytes.
func (s *stage) moved() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", s.agent.PID()))
	if err != nil {
		return 0, err
	}
	sum := int64(0)
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if name != "read_bytes" && name != "write_bytes" {
			continue
		}
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// start has the agent run as asked.
func (s *stage) start(beside bool, flags ...string) error {
	flag := "--no-polite"
	if beside {
		flag = "--polite"
	}
	_ = s.agent.Stop() // it may be stopped already
	if err := s.agent.Restart(append(flags, flag)...); err != nil {
		return err
	}
	return s.rig.Online(s.ctx)
}

// arrival has a version begin to arrive.
func (s *stage) arrival(polite bool) error {
	if err := s.start(polite); err != nil {
		return err
	}
	if err := s.deliver("arriving", arrivingBytes); err != nil {
		return err
	}
	return rig.Poll(s.ctx, "content to arrive", func() (bool, error) {
		n, err := s.arrived()
		return n > 4<<20, err
	})
}

func (s *stage) arrived() (n int64, err error) {
	var st engine.Status
	err = s.agent.Status(s.ctx, &st)
	for _, f := range st.Flows {
		if f.State != "complete" {
			n += f.Bytes.Total()
		}
	}
	return n, err
}

// scrub has what is complete be checked again and again. What did not arrive is
// purged, since a scrub waits while something does.
func (s *stage) scrub(polite bool) error {
	if _, err := s.rig.Sitecast(s.ctx, "purge", "arriving"); err != nil {
		return err
	}
	if err := s.start(polite, "--scrub-every", "1s"); err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(s.ctx, patience)
	defer stop()
	for {
		var st engine.Status
		if err := s.agent.Status(ctx, &st); err != nil {
			return err
		}
		if st.Scrub != nil && st.Scrub.State == "checks" {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no scrub begins: %+v", st.Scrub)
		case <-time.After(time.Second / 4):
		}
	}
}

// idle checks that every thread of the agent has the idle class, and that it is held
// to what the pressure allows.
func (s *stage) idle() error {
	var st struct {
		Disk *polite.Status `json:"disk"`
	}
	if err := s.agent.Status(s.ctx, &st); err != nil {
		return err
	}
	if st.Disk == nil || st.Disk.State == polite.Unknown {
		return fmt.Errorf("the agent does not look how busy the disk is: %+v", st.Disk)
	}
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", s.agent.PID()))
	if err != nil {
		return err
	}
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			return err
		}
		class, _, errno := unix.Syscall(unix.SYS_IOPRIO_GET, 1, uintptr(id), 0)
		if errno == 0 && class>>13 != 3 {
			return fmt.Errorf("thread %d of %d has the I/O class %d, want 3 (idle)", id, len(threads), class>>13)
		}
	}
	return nil
}
