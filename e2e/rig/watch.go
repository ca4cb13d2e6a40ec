//go:build linux

package rig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Status asks an agent for its own view.
func (a *Agent) Status(ctx context.Context, into any) error {
	text, err := a.rig.get(ctx, a.host, "http://127.0.0.1:"+statusPort+"/status")
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// Page fetches a path of what a kiosk shows, on its own host.
func (a *Agent) Page(ctx context.Context, path string) ([]byte, error) {
	return a.rig.get(ctx, a.host, "http://127.0.0.1:"+kioskPort+path)
}

// KioskStatus reads what a kiosk says of itself.
func (a *Agent) KioskStatus(ctx context.Context, into any) error {
	text, err := a.Page(ctx, "/_kiosk/status")
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// Metric asks an agent for one of its metrics, named as /metrics spells it.
func (a *Agent) Metric(ctx context.Context, name string) (float64, error) {
	text, err := a.rig.get(ctx, a.host, "http://127.0.0.1:"+statusPort+"/metrics")
	if err != nil {
		return 0, err
	}
	return metric(string(text), name)
}

// ServerMetric asks the server for one of its metrics.
func (r *Rig) ServerMetric(ctx context.Context, name string) (float64, error) {
	text, err := r.get(ctx, r.Lab.Origin, r.near+"/metrics")
	if err != nil {
		return 0, err
	}
	return metric(string(text), name)
}

// metric finds one in the text of a /metrics page.
func metric(text, name string) (float64, error) {
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(line, name+" "); ok {
			return strconv.ParseFloat(strings.TrimSpace(v), 64)
		}
	}
	return 0, fmt.Errorf("the metrics don't tell %s", name)
}

// Anonymous is the memory of the process that no file backs, in bytes.
func (p *Process) Anonymous() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(v)[0], 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("the kernel does not tell RssAnon")
}

// Descriptors is how many files and sockets the process has open.
func (p *Process) Descriptors() (int, error) {
	entries, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(p.PID()), "fd"))
	return len(entries), err
}

// KeepLogs copies what all processes printed to a folder.
func (r *Rig) KeepLogs(folder string) error {
	logs, err := filepath.Glob(filepath.Join(r.dir, "*.log"))
	err = errors.Join(err, os.MkdirAll(folder, 0o700))
	for _, path := range logs {
		text, rerr := os.ReadFile(path)
		err = errors.Join(err, rerr, os.WriteFile(filepath.Join(folder, filepath.Base(path)), text, 0o600))
	}
	return err
}
