package runtime

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/sitecast/sitecast/edge/agent"
	"github.com/sitecast/sitecast/edge/loopback"
	"github.com/sitecast/sitecast/kiosk/activation"
	"github.com/sitecast/sitecast/storage/content"
)

// Command is `sitecast kiosk`.
type Command struct {
	App       string             `help:"Name of the content that is shown." required:"" env:"SITECAST_APP" placeholder:"NAME"`
	Listen    string             `help:"Address on loopback at which the active version is served." default:"127.0.0.1:8088" env:"SITECAST_LISTEN" placeholder:"ADDR"`
	Host      []string           `help:"Further name of this host by which the page may be asked for (repeatable)." env:"SITECAST_HOSTS" placeholder:"NAME"`
	Display   string             `help:"What is on the screen: none, chromium (with further flags), or a command." default:"none" env:"SITECAST_DISPLAY_COMMAND" placeholder:"COMMAND"`
	Probe     Probing            `help:"What makes a version good: http:PATH is answered, exec:COMMAND ends well, or the display is alive." default:"http:/" env:"SITECAST_PROBE" placeholder:"PROBE"`
	ProbeTime time.Duration      `help:"How long a version is on trial; what its probe says at the end decides." default:"10s" env:"SITECAST_PROBE_TIME" placeholder:"TIME"`
	Window    activation.Windows `help:"When versions may change, at the site's time: 02:00-05:00, or several with commas (default: at any time)." env:"SITECAST_WINDOW" placeholder:"FROM-TO"`
	Before    string             `help:"Command asked before a version becomes active: one that fails refuses it, with exit code 75 until it is asked again in a minute." env:"SITECAST_BEFORE" placeholder:"COMMAND"`
	After     string             `help:"Command told when a version was kept or taken back." env:"SITECAST_AFTER" placeholder:"COMMAND"`
	HookTime  time.Duration      `help:"How long such a command may take." default:"5m" env:"SITECAST_HOOK_TIME" placeholder:"TIME"`
	Keep      int                `help:"Versions that passed and stay on the disk, the active one among them." default:"2" env:"SITECAST_KEEP" placeholder:"N"`
	Watch     activation.Remedy  `help:"What is done when the version that was kept fails its probe later on: off (it is not asked any more), tell, restart the display, or rollback to the version before where that does not help." enum:"off,tell,restart,rollback" default:"restart" env:"SITECAST_WATCH"`
	Every     time.Duration      `name:"watch-every" help:"How long after an answer the probe is asked again then." default:"30s" env:"SITECAST_WATCH_EVERY" placeholder:"TIME"`
	Failures  int                `name:"watch-failures" help:"Failures in a row that make it unhealthy." default:"3" env:"SITECAST_WATCH_FAILURES" placeholder:"N"`
	Agent     agent.Command      `embed:""`
}

// Help is the long help with an example.
func (Command) Help() string {
	return `A kiosk is an agent that also activates one content. Its newest version that is
distributed to the endpoint is staged, waits for its window, takes the place of the
active one at once, and is on trial for --probe-time. It is kept, or the version before
comes back by itself, and what failed is not tried again until a newer version comes, or
an operator purges it and distributes it anew. Whenever the power goes, the old version
or the new one is active.

The probe goes on once a version was kept. One that fails it --watch-failures times in a
row is unhealthy: the status and the server say so, and since when. The display is started
anew, and again when the failures in a row have doubled. A version that was kept is taken
back only with --watch rollback, where starting the display anew did not help: once, and
it is not tried again.

A version that was distributed with --activate hold or --activate-at waits for that, and
not for a window where its publisher signed the instant. One that is blocked is given up
at once: the version before comes back, without a trial.

The active version is served at --listen, where no network is needed to use it, and
GET /_kiosk/status says what is active, what is staged, and why. The server shows the
same in sitecast endpoints.

Commands are this device's own and run in the system's shell, with SITECAST_HOOK,
SITECAST_CONTENT, SITECAST_VERSION, SITECAST_PATH, SITECAST_PREVIOUS,
SITECAST_PREVIOUS_PATH, SITECAST_URL and SITECAST_OUTCOME (activated, rolled_back, blocked) in
their environment. One that a power cut cut short runs again. What they print is in the
history.

Example:
  sitecast enrol --site shop-12 > token
  sitecast kiosk --server https://sitecast.example:8443 --enrol-token-file token --data /var/lib/sitecast \
    --app menu --display chromium --window 02:00-05:00`
}

// Run runs the kiosk until ctx ends.
func (c Command) Run(ctx context.Context) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	return Run(ctx, cfg)
}

func (c Command) config() (Config, error) {
	if err := content.CheckName(c.App); err != nil {
		return Config{}, fmt.Errorf("--app: %w", err)
	}
	if host, _, err := net.SplitHostPort(c.Listen); err != nil || !loopback.Is(host) {
		return Config{}, fmt.Errorf("--listen %s: want an address on loopback such as 127.0.0.1:8088", c.Listen)
	}
	if c.HookTime <= 0 {
		return Config{}, fmt.Errorf("--hook-time %v: it has to be more than nothing", c.HookTime)
	}
	policy := activation.Policy{Windows: c.Window, Before: c.Before != "", After: c.After != "", ProbeTime: c.ProbeTime, Keep: c.Keep,
		Watch: activation.Watch{Do: c.Watch, Every: c.Every, Failures: c.Failures}}
	if err := policy.Check(); err != nil {
		return Config{}, err
	}
	a, err := c.Agent.Kiosk()
	if err != nil {
		return Config{}, err
	}
	return Config{App: c.App, Policy: policy, Before: c.Before, After: c.After, HookTime: c.HookTime, Probe: c.Probe,
		Listen: c.Listen, Hosts: c.Host, Display: c.Display, Agent: a, Log: a.Log}, nil
}
