package host

import (
	"runtime"
	"testing"
	"time"
)

func TestTotalOfAPressureFile(t *testing.T) {
	for _, c := range []struct {
		text string
		want time.Duration
		ok   bool
	}{
		{"some avg10=4.35 avg60=35.74 avg300=40.59 total=12623519641\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n", 12623519641 * time.Microsecond, true},
		{"full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n", 0, false},
		{"some avg10=0.00\n", 0, false},
		{"some total=-1\n", 0, false},
		{"some total=9223372036854775807\n", 0, false},
		{"some total=x", 0, false},
		{"some", 0, false},
		{"", 0, false},
	} {
		if got, ok := total(c.text); got != c.want || ok != c.ok {
			t.Errorf("%q tells %v, %v, want %v, %v", c.text, got, ok, c.want, c.ok)
		}
	}
}

func TestTheKernelTellsWhoWaitedForAProcessor(t *testing.T) {
	if runtime.GOOS != "linux" {
		if _, ok := WaitedForCPU(); ok {
			t.Error("known on a system that does not tell")
		}
		return
	}
	first, ok := WaitedForCPU()
	if !ok {
		t.Skip("this kernel accounts no pressure")
	}
	if again, ok := WaitedForCPU(); !ok || again < first {
		t.Errorf("%v, and then %v, %v", first, again, ok)
	}
}

func FuzzTotal(f *testing.F) {
	f.Add("some avg10=4.35 avg60=35.74 avg300=40.59 total=12623519641\n")
	f.Fuzz(func(t *testing.T, text string) {
		if d, ok := total(text); d < 0 || !ok && d != 0 {
			t.Errorf("%v, %v", d, ok)
		}
	})
}

func TestTheKernelTellsWhoWaitedForADisk(t *testing.T) {
	first, ok := WaitedForDisk()
	if !ok {
		t.Skip("nothing here accounts the pressure on disks")
	}
	if again, ok := WaitedForDisk(); !ok || again < first {
		t.Errorf("%v, and then %v, %v", first, again, ok)
	}
}
