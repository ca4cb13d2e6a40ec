package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/sitecast/sitecast/edge/service"
	"github.com/sitecast/sitecast/storage/chunk/disk"
)

// Commands is `sitecast agent` and what may be done to an agent's folder while it
// does not run.
type Commands struct {
	Run    Command `cmd:"" default:"withargs" help:"Run the agent of an endpoint (what happens without a command)."`
	Verify Verify  `cmd:"" help:"Check every chunk that the stopped agent holds; change nothing."`
	Repair Repair  `cmd:"" help:"Check, and make the agent fetch again what is damaged."`

	Install   service.Install   `cmd:"" help:"Make the agent a service that starts with this computer."`
	Uninstall service.Uninstall `cmd:"" help:"Remove that service; what was delivered stays."`
}

// Help is the long help with examples.
func (Commands) Help() string {
	return `Without a command the agent runs; sitecast agent run --help lists its flags. Its
folder can be checked while it does not.

Examples:
  sudo sitecast agent install --server https://sitecast.example:8443 --enrol-token-file token
  sitecast agent --server https://sitecast.example:8443 --enrol-token-file token --data /var/lib/sitecast
  sitecast agent verify --data /var/lib/sitecast
  sitecast agent repair --data /var/lib/sitecast`
}

// checking is what verify and repair have in common.
type checking struct {
	Data string `help:"Folder of the agent." required:"" type:"path" env:"SITECAST_DATA" placeholder:"DIR"`
	JSON bool   `name:"json" help:"Print the report as JSON."`

	StoreKey StoreKey `embed:""`

	Out, Err io.Writer `kong:"-"` // for tests; nil stands for the process's own
}

// Verify is `sitecast agent verify`.
type Verify struct{ checking }

// Help is the long help with examples.
func (Verify) Help() string {
	return `Hashes all content that the agent says it holds and compares it with what was
published. Nothing is changed. A running agent checks what it reads anyway; stop it
to check everything. The exit code is 0 when all is sound and 1 when it is not.

Examples:
  sitecast agent verify --data /var/lib/sitecast
  sitecast agent verify --data /var/lib/sitecast --json`
}

// Run checks the store.
func (c Verify) Run(ctx context.Context) error {
	report, err := c.check(ctx, "verify", disk.Verify)
	if err != nil {
		return err
	}
	if err := c.print(report, "None of them is in anybody's way: the agent clears them away when it starts."); err != nil {
		return err
	}
	if n := report.Damaged(); n > 0 {
		return fmt.Errorf("%s not sound: run `sitecast agent repair --data %s`, then start the agent", versions(n), c.Data)
	}
	return nil
}

// Repair is `sitecast agent repair`.
type Repair struct{ checking }

// Help is the long help with examples.
func (Repair) Help() string {
	return `Checks like verify. Chunks that are damaged are forgotten, so that the agent fetches
them again, from peers where they have them. A version that is not as it was published
is taken out of DATA/content until it is. What interrupted work left is removed. Stop
the agent first, and start it afterwards.

Examples:
  sitecast agent repair --data /var/lib/sitecast
  sitecast agent repair --data /var/lib/sitecast --json`
}

// Run repairs the store.
func (c Repair) Run(ctx context.Context) error {
	report, err := c.check(ctx, "repair", disk.Repair)
	if err != nil {
		return err
	}
	return c.print(report, "They were removed.")
}

// check runs one of the checks with its progress on the standard error.
func (c checking) check(ctx context.Context, name string,
	run func(context.Context, string, []byte, *slog.Logger, disk.Progress) (disk.Report, error)) (disk.Report, error) {
	key, err := c.StoreKey.read()
	if err != nil {
		return disk.Report{}, fmt.Errorf("%s: %w", name, err)
	}
	log := slog.New(slog.NewTextHandler(c.stderr(), &slog.HandlerOptions{Level: slog.LevelError}))
	bar := newProgress(ctx, c.stderr(), name)
	report, err := run(ctx, c.Data, key, log, bar.set)
	bar.end(err == nil)
	switch {
	case errors.Is(err, disk.ErrLocked):
		return report, fmt.Errorf("%s: an agent uses %s: stop it first, and start it again afterwards", name, c.Data)
	case errors.Is(err, disk.ErrNoStore):
		return report, fmt.Errorf("%s: no agent has kept anything in %s: give the folder that it runs with, --data DIR", name, c.Data)
	case err != nil:
		return report, fmt.Errorf("%s: %w", name, err)
	}
	return report, nil
}

func (c checking) stdout() io.Writer {
	if c.Out == nil {
		return os.Stdout
	}
	return c.Out
}

func (c checking) stderr() io.Writer {
	if c.Err == nil {
		return os.Stderr
	}
	return c.Err
}

// print tells what was found; after says what becomes of leftovers.
func (c checking) print(r disk.Report, after string) error {
	if c.JSON {
		enc := json.NewEncoder(c.stdout())
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	var b strings.Builder
	for _, v := range r.Versions {
		describe(&b, v)
	}
	if len(r.Versions) == 0 {
		b.WriteString("No versions are held.\n")
	}
	if n := len(r.Leftovers); n > 0 {
		fmt.Fprintf(&b, "Leftovers of interrupted work: %d. %s\n", n, after)
	}
	_, err := io.WriteString(c.stdout(), b.String())
	return err
}

// describe writes what was found of one version.
func describe(b *strings.Builder, v disk.Checked) {
	name := v.Content
	if name == "" {
		name = "version " + v.ID.String()
	}
	state := "incomplete"
	if v.Complete {
		state = "complete"
	}
	fmt.Fprintf(b, "%s: %s, %d of %d chunks held, %d damaged, %d missing\n", name, state, v.Held, v.Chunks, v.Damaged, v.Missing)
	for _, p := range v.Problems {
		fmt.Fprintf(b, "  found: %s\n", p)
	}
	for _, p := range v.Repairs {
		fmt.Fprintf(b, "  done: %s\n", p)
	}
}

func versions(n int) string {
	if n == 1 {
		return "1 version is"
	}
	return fmt.Sprintf("%d versions are", n)
}
