//go:build unix

package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
)

// A powered system is a disk that fails and loses power when told to. It knows
// what of every file was synced, and the names that a folder's sync made durable.
type powered struct {
	t    *testing.T
	real system
	key  []byte // of its store; nil: it is not encrypted

	mu     sync.Mutex
	calls  []string // what was called
	fault  fault
	dead   bool // nothing succeeds any more
	killed bool // nothing happens any more: the process has ended
	log    []string
	nodes  map[uint64]*node // by inode
	names  []naming         // what was done to names, and is not durable yet
	before map[string]func() error
}

// fault makes call number at fail, counted from 1, and what follows too if it is fatal.
type fault struct {
	at    int
	err   error
	part  bool // half of it is done before
	fatal bool
	kill  bool // the process ends there
	lie   bool // a sync has no effect, and says that it had
}

type node struct {
	file    *os.File // kept open, so that the inode stays this file's
	durable []byte
	dirty   []span
}

type span struct{ from, to int64 }

// naming is a name that came, went or changed.
type naming struct {
	dirs []uint64 // folders still to be synced
	undo func()   // as if it had not happened
}

func newPowered(t *testing.T, f fault) *powered {
	p := &powered{t: t, real: realSystem(), fault: f, nodes: make(map[uint64]*node), before: make(map[string]func() error)}
	t.Cleanup(func() {
		for _, n := range p.nodes {
			_ = n.file.Close()
		}
	})
	return p
}

func (p *powered) open(dir string) (*Store, error) {
	return open(dir, p.key, slog.New(slog.DiscardHandler), p.system())
}

func (p *powered) system() system {
	sys := p.real
	sys.write = p.write
	sys.sync = p.sync
	sys.syncAll = func(f *os.File) error {
		return p.step("sync all", f.Name(), func(err error) error {
			for _, n := range p.nodes {
				p.synced(n, err)
			}
			if err == nil && !p.lies() {
				p.names = nil
			}
			return err
		})
	}
	sys.allocate = func(f *os.File, at, bytes int64) error {
		return p.step("allocate", f.Name(), func(err error) error {
			if err != nil {
				return err
			}
			return lengthen(f, at+bytes)
		})
	}
	sys.truncate = func(f *os.File, size int64) error {
		return p.step("truncate", f.Name(), func(err error) error {
			if err != nil {
				return err
			}
			return f.Truncate(size)
		})
	}
	sys.chmod = func(root *os.Root, name string, mode fs.FileMode) error {
		return p.step("chmod", name, func(err error) error {
			if err != nil {
				return err
			}
			return root.Chmod(name, mode)
		})
	}
	sys.create, sys.mkdir, sys.rename = p.create, p.mkdir, p.rename
	sys.remove = func(root *os.Root, name string) error {
		return p.step("remove", name, func(err error) error {
			if err != nil {
				return err
			}
			return p.trash(root, name, root.Remove)
		})
	}
	sys.removeAll = func(root *os.Root, name string) error {
		return p.step("remove all", name, func(err error) error {
			switch {
			case err == nil:
				return p.trash(root, name, root.RemoveAll)
			case p.fault.part && p.now():
				removeSome(filepath.Join(root.Name(), name))
			}
			return err
		})
	}
	return sys
}

// step counts a call, and tells do which error it must answer with.
func (p *powered) step(what, name string, do func(err error) error) error {
	p.mu.Lock()
	hook, killed := p.before[what], p.killed
	delete(p.before, what)
	p.mu.Unlock()
	if killed {
		return errKilled
	}
	if hook != nil {
		if err := hook(); err != nil {
			return do(err)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, what)
	var err error
	switch {
	case p.now() && p.fault.kill:
		err, p.killed = errKilled, true
	case p.lies():
	case p.dead || p.now():
		err = syscall.EIO
		if p.now() {
			err = p.fault.err
			p.dead = p.dead || p.fault.fatal
		}
	}
	p.log = append(p.log, fmt.Sprint(len(p.calls), " ", what, " ", filepath.Base(name), " ", err))
	return do(err)
}

// now reports whether the last call is the one to fail.
func (p *powered) now() bool { return len(p.calls) == p.fault.at }

// lies reports whether the last call says that it had an effect, and has none.
func (p *powered) lies() bool {
	return p.fault.lie && (p.now() || p.fault.fatal && len(p.calls) > p.fault.at)
}

// next has hook run before the next call of a kind, whose error that call answers with.
func (p *powered) next(what string, hook func() error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.before[what] = hook
}

func (p *powered) write(f *os.File, b []byte, at int64) (n int, err error) {
	err = p.step("write", f.Name(), func(fails error) error {
		if fails != nil && (!p.fault.part || !p.now()) {
			return fails
		}
		node := p.node(f)
		if fails != nil {
			b = b[:len(b)/2]
		}
		node.dirty = append(node.dirty, span{at, at + int64(len(b))})
		var wrong error
		if n, wrong = f.WriteAt(b, at); wrong != nil {
			p.t.Error(wrong)
		}
		return fails
	})
	if errors.Is(err, errShort) {
		err = nil
	}
	return n, err
}

var (
	errShort  = errors.New("short write") // stands for a write that is short and says no more
	errKilled = errors.New("the process has ended")
)

func (p *powered) node(f *os.File) *node {
	ino := inode(p.t, f.Name(), f.Stat)
	if n := p.nodes[ino]; n != nil {
		return n
	}
	file, err := os.OpenFile(f.Name(), os.O_RDWR, 0) // f may be for writing only
	if err != nil {
		p.t.Fatal(err)
	}
	n := &node{file: file}
	n.durable = n.read(p.t)
	p.nodes[ino] = n
	return n
}

func (n *node) read(t *testing.T) []byte {
	info, err := n.file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, info.Size())
	if _, err := n.file.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	return b
}

func inode(t *testing.T, name string, stat func() (os.FileInfo, error)) uint64 {
	info, err := stat()
	if err != nil {
		t.Fatalf("stat %s: %v", name, err)
	}
	return uint64(info.Sys().(*syscall.Stat_t).Ino)
}

func (p *powered) sync(f *os.File) error {
	return p.step("sync", f.Name(), func(err error) error {
		ino := inode(p.t, f.Name(), f.Stat)
		if n := p.nodes[ino]; n != nil {
			p.synced(n, err)
		}
		if err == nil && !p.lies() {
			for i := range p.names {
				p.names[i].dirs = slices.DeleteFunc(p.names[i].dirs, func(dir uint64) bool { return dir == ino })
			}
			p.names = slices.DeleteFunc(p.names, func(n naming) bool { return len(n.dirs) == 0 })
		}
		return err
	})
}

// synced takes over what was written. After an error the system does as if it had,
// and the next sync succeeds (LWN 752063, "PostgreSQL's fsync() surprise").
func (p *powered) synced(n *node, err error) {
	if p.lies() {
		return // what is written later may still be synced
	}
	if err == nil {
		n.keep(p.t, n.dirty)
	}
	n.dirty = nil
}

func (n *node) keep(t *testing.T, spans []span) {
	now := n.read(t)
	for _, s := range spans {
		if grow := s.to - int64(len(n.durable)); grow > 0 {
			n.durable = append(n.durable, make([]byte, grow)...)
		}
		copy(n.durable[s.from:s.to], now[min(s.from, int64(len(now))):])
	}
}

// cut ends the store without another word, and the power with it: of what was not
// synced, the disk keeps what keep says. Names are lost from the last one on.
func (p *powered) cut(s *Store, keep func() bool) {
	p.kill(s)
	p.lose(keep)
}

// kill ends the store without another word, as the end of its process would.
func (p *powered) kill(s *Store) {
	p.mu.Lock()
	p.killed = true
	p.mu.Unlock()
	_ = s.Close() // it has no effect any more
}

func (p *powered) lose(keep func() bool) {
	for len(p.names) > 0 && !keep() {
		last := len(p.names) - 1
		p.names[last].undo()
		p.names = p.names[:last]
	}
	for _, n := range p.nodes {
		n.keep(p.t, slices.DeleteFunc(n.dirty, func(span) bool { return !keep() }))
		if err := n.file.Truncate(int64(len(n.durable))); err != nil {
			p.t.Fatal(err)
		}
		if _, err := n.file.WriteAt(n.durable, 0); err != nil {
			p.t.Fatal(err)
		}
	}
}

// What a power cut keeps of what was not synced.
var cuts = map[string]func() bool{
	"nothing":    func() bool { return false },
	"everything": func() bool { return true },
	"something":  func() bool { return rand.IntN(2) == 0 },
}
