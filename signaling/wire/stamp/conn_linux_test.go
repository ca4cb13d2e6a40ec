package stamp_test

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/wire/stamp"
)

// pair is two ends of a connection, the first of which is stamped.
func pair(t *testing.T) (net.Conn, *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	far, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	near, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	return stamp.Conn(near), far.(*net.TCPConn)
}

func TestBytesThatLayAreOld(t *testing.T) {
	near, far := pair(t)
	// The kernel begins to stamp what comes some time after the first socket asked for it, and
	// until then the stamp is when it was read.
	var late time.Duration
	for range 50 {
		if _, err := far.Write([]byte("a")); err != nil {
			t.Fatal(err)
		}
		sent := time.Now()
		// Nobody reads them until the kernel's clock has gone on by more than its stamps err.
		for time.Since(sent) < 20*time.Millisecond {
		}
		begin := time.Now()
		buf := make([]byte, 2)
		if n, err := near.Read(buf); n != 1 || err != nil || buf[0] != 'a' {
			t.Fatalf("read %d, %v: %q", n, err, buf)
		}
		at := stamp.Newest(wrapped{near})
		if late = begin.Sub(at); late > 0 && late < time.Second {
			return
		}
	}
	t.Errorf("the bytes came %v before they were read, want some 20 ms", late)
}

type wrapped struct{ net.Conn }

func (w wrapped) NetConn() net.Conn { return w.Conn }

func TestStampedStreamEndsAsAnyDoes(t *testing.T) {
	near, far := pair(t)
	if n, err := near.Read(nil); n != 0 || err != nil {
		t.Errorf("read nothing: %d, %v", n, err)
	}
	_ = near.SetReadDeadline(time.Now().Add(-time.Second))
	timeout, isNet := error(nil), net.Error(nil)
	if _, timeout = near.Read(make([]byte, 1)); !errors.As(timeout, &isNet) || !isNet.Timeout() || !errors.Is(timeout, os.ErrDeadlineExceeded) {
		t.Errorf("past its deadline: %v", timeout)
	}
	_ = near.SetReadDeadline(time.Time{})
	_ = far.CloseWrite()
	if n, err := near.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
	_ = near.Close()
	if _, err := near.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

func TestWhatIsNotStampedIsOfNow(t *testing.T) {
	near, far := net.Pipe()
	defer func() { _, _ = near.Close(), far.Close() }()
	begin := time.Now()
	if at := stamp.Newest(stamp.Conn(near)); at.Before(begin) {
		t.Errorf("%v before now", begin.Sub(at))
	}
}
