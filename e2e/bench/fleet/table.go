//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// row is what is known of one thing that was done. Times are in milliseconds.
type row struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	N       int     `json:"n,omitempty"` // endpoints that the times are of
	P50     float64 `json:"p50_ms,omitempty"`
	P99     float64 `json:"p99_ms,omitempty"`
	Max     float64 `json:"max_ms,omitempty"`
	Server  float64 `json:"server_cores"`
	MiB     int     `json:"server_mib"`
	Fleet   float64 `json:"fleet_cores"`
	Sent    float64 `json:"sent_per_second"`  // messages by endpoints
	Heard   float64 `json:"heard_per_second"` // and to them
	Note    string  `json:"note,omitempty"`
	Beyond  string  `json:"beyond,omitempty"` // a bound

	begun        time.Time
	server, self usage
	sent, heard  int64
}

func head() {
	fmt.Printf("%-32s %7s %8s %8s %8s %7s %7s %7s %8s %8s\n", "", "s", "p50 ms", "p99 ms", "max ms", "server", "MiB", "fleet", "sent/s", "heard/s")
}

// begin notes how things are before something is done.
func (b *bench) begin(name string) *row {
	t := b.Tally()
	return &row{Name: name, begun: time.Now(), server: b.usage(), self: usageOf("self"), sent: t.Sent, heard: t.Heard}
}

// end notes what it took, and prints that.
func (b *bench) end(r *row) {
	span, t := time.Since(r.begun).Seconds(), b.Tally()
	now := b.usage()
	r.Seconds, r.Server, r.MiB = span, (now.cpu-r.server.cpu).Seconds()/span, now.mib
	r.Fleet = (usageOf("self").cpu - r.self.cpu).Seconds() / span
	r.Sent, r.Heard = float64(t.Sent-r.sent)/span, float64(t.Heard-r.heard)/span
	b.rows = append(b.rows, *r)
	fmt.Printf("%-32s %7.1f %8.0f %8.0f %8.0f %7.2f %7d %7.2f %8.0f %8.0f\n", r.Name, r.Seconds, r.P50, r.P99, r.Max, r.Server, r.MiB, r.Fleet, r.Sent, r.Heard)
	if r.Note != "" {
		fmt.Println("  " + r.Note)
	}
}

// spread notes how times lie.
func (r *row) spread(took []time.Duration) {
	slices.Sort(took)
	at := func(part float64) float64 {
		if len(took) == 0 {
			return 0
		}
		return float64(took[min(int(part*float64(len(took))), len(took)-1)]) / float64(time.Millisecond)
	}
	r.N, r.P50, r.P99, r.Max = len(took), at(0.5), at(0.99), at(1)
}

// note adds words to the last row.
func (b *bench) note(format string, args ...any) {
	last := &b.rows[len(b.rows)-1]
	last.Note = fmt.Sprintf(format, args...)
	fmt.Println("  " + last.Note)
}

// beyond notes that the last row is beyond a bound.
func (b *bench) beyond(what, figures string) { b.rows[len(b.rows)-1].Beyond = what + ": " + figures }

// write writes all figures where they are wanted, and fails where one is beyond its bound.
func (b *bench) write() error {
	if t := b.Tally(); t.Refused > 0 || t.Denied > 0 || t.Misplaced > 0 {
		fmt.Printf("endpoints: %d attempts at a token failed (the last one: %v), %d messages were refused, %d are at another site than planned\n",
			t.Denied, t.Why, t.Refused, t.Misplaced)
	}
	var wrong []string
	for _, r := range b.rows {
		if r.Beyond != "" {
			wrong = append(wrong, r.Beyond)
		}
	}
	if b.json != "" {
		text, err := json.MarshalIndent(b.rows, "", "  ")
		if err == nil {
			err = os.WriteFile(b.json, append(text, '\n'), 0o644) //nolint:gosec // for others to read
		}
		if err != nil {
			return err
		}
	}
	if wrong != nil {
		return errors.New("beyond its bound: " + strings.Join(wrong, "; "))
	}
	return nil
}
