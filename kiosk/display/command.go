package display

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/sitecast/sitecast/edge/hook"
)

// markName is the variable by which what a display started is known again.
const markName = "SITECAST_DISPLAY"

// check makes the profile's folder, and refuses what can never run.
func (o *Options) check() error {
	if strings.TrimSpace(o.Command) == "" {
		return errors.New("no command for the display: say none, chromium or a command")
	}
	profile, err := filepath.Abs(o.Profile)
	if err != nil {
		return fmt.Errorf("the display's folder: %w", err)
	}
	o.Profile = profile
	if err := os.MkdirAll(o.Profile, 0o700); err != nil {
		return fmt.Errorf("make the display's folder: %w", err)
	}
	return nil
}

// launch starts what the command says.
func launch(o *Options) (screen, error) {
	mark := markName + "=" + o.Profile
	sweep(mark) // what an end by force has left
	if flags := strings.Fields(o.Command); flags[0] == chromiumName {
		return launchChromium(o, mark, flags[1:])
	}
	cmd := hook.Shell(context.Background(), o.Command) // it is ended by Stop
	cmd.Env = o.environment(mark)
	p, err := run(cmd, mark, cmd.Start)
	if err != nil {
		return nil, fmt.Errorf("start the display's command: %w", err)
	}
	return command{p}, nil
}

// environment is what a program is told of what it shows.
func (o *Options) environment(mark string) []string {
	v, _ := o.Source.Active() // none yet: empty
	return hook.Environ(mark, "SITECAST_URL="+o.URL,
		"SITECAST_CONTENT="+v.Name, "SITECAST_VERSION="+v.Version, "SITECAST_PATH="+v.Root)
}

// command is any program, which knows nothing of versions.
type command struct{ *process }

// Refresh implements [screen].
func (command) Refresh(context.Context) bool { return false }
