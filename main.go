// Command sitecast distributes content to sites without servers: it is the server,
// the agent on every endpoint, and the operator's commands.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/sitecast/sitecast/e2e/demo"
	"github.com/sitecast/sitecast/edge/agent"
	"github.com/sitecast/sitecast/kiosk/runtime"
	"github.com/sitecast/sitecast/signaling/operator"
	"github.com/sitecast/sitecast/signaling/relay"
	"github.com/sitecast/sitecast/signaling/server"
)

// version is set by the build.
var version = "development"

// Exit codes.
const (
	exitFailed = 1
	exitUsage  = 2
)

type commands struct {
	Server     server.Commands     `cmd:"" help:"Run the server: API, signaling, origin, relay; or see to its database."`
	Relay      relay.Command       `cmd:"" help:"Run a STUN and TURN relay on its own."`
	Agent      agent.Commands      `cmd:"" help:"Run the agent of an endpoint, or check and repair what it holds."`
	Kiosk      runtime.Command     `cmd:"" help:"Run an agent that activates and serves one content, and keeps it on the screen."`
	Doctor     doctor              `cmd:"" help:"Say what stands in the way of this endpoint, or between two others."`
	Site       operator.Site       `cmd:"" help:"Create, list, show and change sites."`
	Network    operator.Network    `cmd:"" help:"Say which networks are at which sites, by which endpoints are matched."`
	Enrol      operator.Enrol      `cmd:"" help:"Print a token that lets endpoints enrol."`
	Link       operator.Link       `cmd:"" help:"Print the address of a page that downloads content at a site."`
	Publish    operator.Publish    `cmd:"" help:"Publish a file or folder as a version of content."`
	Resign     operator.Resign     `cmd:"" help:"Sign versions that are published with another key."`
	Publisher  operator.Publisher  `cmd:"" help:"List, make, add, rotate and revoke the keys that may publish."`
	Distribute operator.Distribute `cmd:"" help:"Order a version to sites."`
	Activate   operator.Activate   `cmd:"" help:"Say from when on a version is used that is distributed."`
	Block      operator.Block      `cmd:"" help:"Stop a content or version everywhere at once, and have all of it deleted."`
	Unblock    operator.Unblock    `cmd:"" help:"End blocks."`
	Rollout    operator.Rollout    `cmd:"" help:"Show, halt and go on with distributions in rings."`
	Rollback   operator.Rollback   `cmd:"" help:"Go back to a version, as a new one that takes the place of the bad one."`
	Flows      operator.Flows      `cmd:"" help:"Show what moves where."`
	Explain    operator.Explain    `cmd:"" help:"Say why a flow or an endpoint moves or does not, and how that came about."`
	Pause      operator.Pause      `cmd:"" help:"Pause flows by site or content, or everywhere."`
	Resume     operator.Resume     `cmd:"" help:"Resume paused flows."`
	Prioritize operator.Prioritize `cmd:"" help:"Change the priority of content, or of a site's flows."`
	Pin        operator.Pin        `cmd:"" help:"Have endpoints keep what they hold of a content."`
	Unpin      operator.Unpin      `cmd:"" help:"End pins."`
	Purge      operator.Purge      `cmd:"" help:"Have endpoints delete a content or version."`
	Remove     operator.Remove     `cmd:"" help:"Remove a version that nothing needs from the origin."`
	Retention  operator.Retention  `cmd:"" help:"Say which versions the origin keeps though nothing needs them."`
	Cap        operator.Cap        `cmd:"" help:"Cap what sites, contents or flows take over the WAN."`
	Set        operator.Set        `cmd:"" help:"Set how lines and disks are used, for all, a tag, a site or an endpoint."`
	Unset      operator.Unset      `cmd:"" help:"Take back what was set."`
	Tag        operator.Tag        `cmd:"" help:"Give tags to sites and endpoints, so that something is set for all of them."`
	Policy     operator.Policy     `cmd:"" help:"Say what is set where, and what holds."`
	Overview   operator.Overview   `cmd:"" help:"Show how things stand, and what wants attention."`
	Endpoints  operator.Endpoints  `cmd:"" help:"Show endpoints."`
	Endpoint   operator.Endpoint   `cmd:"" help:"Revoke or remove an endpoint."`
	Approve    operator.Approve    `cmd:"" help:"Approve what somebody else proposed: a distribution to all sites or a query, a rollback, an activation."`
	Reject     operator.Reject     `cmd:"" help:"Reject or withdraw such a proposal."`
	Proposals  operator.Proposals  `cmd:"" help:"List what waits for approval."`
	FourEyes   operator.FourEyes   `cmd:"" help:"Say whether what reaches all sites or a query needs approval."`
	Token      operator.Token      `cmd:"" help:"Create, list and revoke API tokens."`
	Operator   operator.Accounts   `cmd:"" help:"Invite, list, change and remove operators."`
	Report     operator.Report     `cmd:"" help:"Report what was received on which days, and what did not cross the WAN."`
	Audit      operator.Audit      `cmd:"" help:"Show who did what, or check that the log of it is whole."`
	Demo       demo.Command        `cmd:"" help:"Run a server, two sites and their endpoints on this machine."`
	Version    printVersion        `cmd:"" help:"Print the version of this program."`
}

// doctor is `sitecast doctor`: at an endpoint, and from the server.
type doctor struct {
	Here agent.Doctor  `cmd:"" default:"withargs" help:"Say by which way this endpoint reaches its server and peers (what happens without a command)."`
	Pair operator.Pair `cmd:"" help:"Say why two endpoints of a site are linked or not, as the server and both of them see it."`
}

// Help is the long help with examples.
func (doctor) Help() string {
	return `Without a command it examines the endpoint it runs on; sitecast doctor here --help
lists its flags. An operator asks the server about two endpoints.

Examples:
  sitecast doctor --server https://sitecast.example:8443 --data /var/lib/sitecast
  sitecast doctor pair --site shop-12 till-1 till-4`
}

// printVersion is `sitecast version`. It is no flag, because publish has one of
// that name.
type printVersion struct{}

func (printVersion) Run() error {
	_, err := fmt.Println(version)
	return err
}

func main() { os.Exit(run(os.Args[1:])) }

// run runs one command and returns the exit code.
func run(args []string) int {
	var cli commands
	parser, err := kong.New(&cli, kong.Name("sitecast"), kong.UsageOnError(),
		kong.Description("One download over the WAN serves a whole site."))
	if err != nil {
		fmt.Fprintln(os.Stderr, "sitecast:", err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "sitecast: %v\nrun with --help to see how it is used\n", err)
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	command.BindTo(ctx, (*context.Context)(nil))
	err = command.Run()
	switch {
	case err == nil:
		return 0
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return exitFailed
	}
	fmt.Fprintln(os.Stderr, "sitecast:", err)
	return exitFailed
}
