//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/sitecast/sitecast/e2e/netlab"
)

// foregroundFor is how long the foreground runs, from its start.
const foregroundFor = 20 * time.Second

// iperf is a server of iperf3, which ends with its lab at the latest.
type iperf struct{ cmd *exec.Cmd }

func startIperf(ctx context.Context, h *netlab.Host) (*iperf, error) {
	cmd := h.Command(ctx, "iperf3", "--server", "--forceflush")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start iperf3: %w", err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "Server listening") {
			go func() { _, _ = io.Copy(io.Discard, out) }() // until it ends
			return &iperf{cmd}, nil
		}
	}
	return nil, errors.Join(errors.New("iperf3 does not listen"), cmd.Wait())
}

func (i *iperf) stop() {
	_ = i.cmd.Process.Kill() // it may have ended
	_ = i.cmd.Wait()
}

// foreground downloads for foregroundFor and returns the bits per second that its
// receiver got.
func foreground(ctx context.Context, from, to *netlab.Host, control string) (float64, error) {
	ctx, stop := context.WithTimeout(ctx, foregroundFor+30*time.Second)
	defer stop()
	seconds := strconv.Itoa(int(foregroundFor.Seconds()))
	out, err := to.Command(ctx, "iperf3", "--client", from.IP().String(), "--reverse", "--congestion", control,
		"--time", seconds, "--json").Output()
	var report struct {
		Error string `json:"error"`
		End   struct {
			Received struct {
				BPS float64 `json:"bits_per_second"`
			} `json:"sum_received"`
			Sender string `json:"sender_tcp_congestion"`
		} `json:"end"`
	}
	if jerr := json.Unmarshal(out, &report); err == nil {
		err = jerr
	}
	switch {
	case err != nil || report.Error != "":
		return 0, fmt.Errorf("iperf3: %w: %s", err, report.Error)
	case report.End.Sender != control:
		return 0, fmt.Errorf("iperf3 sent by %q, not %s", report.End.Sender, control)
	}
	return report.End.Received.BPS, nil
}
