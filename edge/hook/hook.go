// Package hook runs commands that the configuration of this computer names, in the
// system's shell: what is delivered has no say in them. A command has a bounded time and
// ends with all that it started; the end of what it printed is kept. It is not given the
// agent's own settings, which may hold secrets.
package hook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

const (
	// MaxOutput is how many bytes of a command's output are kept, the end of it.
	MaxOutput = 8 << 10
	// pipePatience is how long after its end a command's children may keep its output
	// open.
	pipePatience = 2 * time.Second
)

// Run runs a command line for as long as limit at most, with the variables of extra
// (NAME=VALUE) in its environment. It returns what the command printed, also where it
// failed; an *exec.ExitError says how it ended.
func Run(ctx context.Context, line string, limit time.Duration, extra ...string) (output string, err error) {
	ctx, stop := context.WithTimeout(ctx, limit)
	defer stop()
	cmd := Shell(ctx, line)
	cmd.Env = Environ(extra...)
	out := new(Tail)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = out, out, pipePatience
	err = cmd.Run()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("it was stopped, because it took longer than %v", limit)
	}
	return out.String(), err
}

// Environ is the environment of a command: this program's, but for its own settings, and
// the variables of extra.
func Environ(extra ...string) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SITECAST_") })
	return append(env, extra...)
}

// Tail keeps the end of what a command prints, up to MaxOutput. It is read once the
// command was waited for.
type Tail struct{ text []byte }

func (t *Tail) String() string {
	return string(bytes.ToValidUTF8(bytes.TrimSpace(t.text), []byte("?")))
}

func (t *Tail) Write(b []byte) (int, error) {
	t.text = append(t.text, b[max(len(b)-MaxOutput, 0):]...)
	t.text = t.text[max(len(t.text)-MaxOutput, 0):]
	return len(b), nil
}
