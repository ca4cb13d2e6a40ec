package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"time"

	"github.com/sitecast/sitecast/edge/hook"
	"github.com/sitecast/sitecast/kiosk/activation"
	"github.com/sitecast/sitecast/kiosk/display"
)

// Probing says what makes a version good: that a path of it is answered, that a command
// ends well, or that the display is alive.
type Probing struct {
	Kind ProbeKind
	What string // path or command
}

// ProbeKind is a kind of probe.
type ProbeKind string

// The kinds of probe.
const (
	ProbeHTTP  ProbeKind = "http"
	ProbeExec  ProbeKind = "exec"
	ProbeAlive ProbeKind = "alive"
)

const (
	// probeTimeout bounds one probe.
	probeTimeout = 5 * time.Second
	// maxProbed bounds what is read of an answer.
	maxProbed = 16 << 20
	// notNow is how a hook ends that wants to be asked later: EX_TEMPFAIL of sysexits.h.
	notNow = 75
)

// UnmarshalText reads http:PATH, exec:COMMAND or alive.
func (p *Probing) UnmarshalText(text []byte) error {
	kind, what, _ := strings.Cut(string(text), ":")
	*p = Probing{ProbeKind(kind), what}
	switch {
	case p.Kind == ProbeAlive && what == "":
	case p.Kind == ProbeHTTP && strings.HasPrefix(what, "/"):
	case p.Kind == ProbeExec && strings.TrimSpace(what) != "":
	default:
		return fmt.Errorf("%.80q is no probe: say http:/PATH, exec:COMMAND or alive", text)
	}
	return nil
}

// probe asks whether the active version does its work.
func (k *Kiosk) probe(ctx context.Context, a activation.Probe) activation.Event {
	out := activation.Probed{ID: a.Version.ID}
	ctx, stop := context.WithTimeout(ctx, probeTimeout)
	defer stop()
	if err := k.Ask(ctx); err != nil {
		out.Err = err.Error()
	}
	return out
}

func (k *Kiosk) ask(ctx context.Context) error {
	switch k.Probe.Kind {
	case ProbeHTTP:
		return get(ctx, k.URL+k.Probe.What)
	case ProbeExec:
		said, err := hook.Run(ctx, k.Probe.What, probeTimeout, "SITECAST_URL="+k.URL+"/")
		if err != nil {
			return withLast(err, said)
		}
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.screen.Phase == display.Waiting || k.screen.Phase == display.Failing {
		return fmt.Errorf("the display ended: %s", k.screen.Why)
	}
	return nil
}

// withLast puts the last line of what was printed behind an error.
func withLast(err error, output string) error {
	lines := strings.Split(output, "\n")
	if last := lines[len(lines)-1]; last != "" {
		return fmt.Errorf("%w: %.300s", err, last)
	}
	return err
}

// get asks for a page, and reads it.
func get(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // no proxy
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, maxProbed)); err != nil {
		return fmt.Errorf("read %s: %w", url, err)
	}
	if res.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s answers %s", url, res.Status)
	}
	return nil
}

// runHook runs a hook of the device.
func (k *Kiosk) runHook(ctx context.Context, a activation.RunHook) activation.Event {
	line := k.Before
	if a.Hook == activation.HookAfter {
		line = k.After
	}
	env := []string{"SITECAST_HOOK=" + string(a.Hook), "SITECAST_URL=" + k.URL + "/", "SITECAST_CONTENT=" + k.App,
		"SITECAST_VERSION=" + a.Version.Ref.Version, "SITECAST_PATH=" + k.root(a.Version), "SITECAST_OUTCOME=" + string(a.Outcome)}
	if a.Previous != nil {
		env = append(env, "SITECAST_PREVIOUS="+a.Previous.Ref.Version, "SITECAST_PREVIOUS_PATH="+k.root(*a.Previous))
	}
	said, err := k.Hook(ctx, line, k.HookTime, env...)
	out := activation.HookEnded{Hook: a.Hook, ID: a.Version.ID, Output: said}
	if err != nil {
		out.Err = err.Error()
		exit := new(exec.ExitError)
		out.Later = errors.As(err, &exit) && exit.ExitCode() == notNow
	}
	return out
}
