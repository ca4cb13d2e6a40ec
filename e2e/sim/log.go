package sim

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// maxLog bounds the lines kept of what parts log.
const maxLog = 400

// diary keeps the last lines that the real parts log, for people who look into a
// failure.
type diary struct {
	w   *World
	who string
}

func (w *World) logger(part, who string) *slog.Logger {
	return slog.New(&diary{w: w, who: part + " " + who})
}

// Enabled implements slog.Handler.
func (d *diary) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle implements slog.Handler.
func (d *diary) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%9.3f  %-12s %s", time.Since(d.w.start).Seconds(), d.who, r.Message)
	r.Attrs(func(a slog.Attr) bool {
		fmt.Fprintf(&b, " %s=%v", a.Key, a.Value)
		return true
	})
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	if d.w.log = append(d.w.log, b.String()); len(d.w.log) > 2*maxLog {
		d.w.log = append(d.w.log[:0], d.w.log[maxLog:]...)
	}
	return nil
}

// WithAttrs implements slog.Handler; who logs is known already.
func (d *diary) WithAttrs([]slog.Attr) slog.Handler { return d }

// WithGroup implements slog.Handler.
func (d *diary) WithGroup(string) slog.Handler { return d }

// Log is what the real parts logged last.
func (w *World) Log() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.log[max(0, len(w.log)-maxLog):], "\n")
}
