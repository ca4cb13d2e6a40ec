package agent

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"

	"github.com/sitecast/sitecast/edge/doctor"
	"github.com/sitecast/sitecast/edge/proxy"
	"github.com/sitecast/sitecast/signaling/wire/finding"
)

// maxStatusBytes bounds what is read of an agent's status.
const maxStatusBytes = 16 << 20

// Doctor is `sitecast doctor`.
type Doctor struct {
	Server       string `help:"URL of the server." required:"" env:"SITECAST_SERVER" placeholder:"URL"`
	Data         string `help:"Folder of the agent: tells which certificate is the server's." type:"path" env:"SITECAST_DATA" placeholder:"DIR"`
	StatusListen string `help:"Where the running agent answers GET /status: tells what became of its links." env:"SITECAST_STATUS_LISTEN" placeholder:"ADDR"`
	Proxy        string `help:"HTTP proxy to go through, as http://USER:PASSWORD@HOST:PORT, or none (default: what HTTPS_PROXY and NO_PROXY say)." env:"SITECAST_PROXY" placeholder:"URL"`
	CAFile       string `name:"ca-file" help:"Authorities (PEM) to trust besides the server's own key." env:"SITECAST_CA_FILE" placeholder:"FILE"`
	STUN         string `name:"stun" help:"STUN and TURN relay (default: what the running agent was told, or port 3478 of the server's host)." placeholder:"HOST:PORT"`
	Reflector    string `help:"A second STUN server, which shows the kind of NAT." placeholder:"HOST:PORT"`
	InsecureHTTP bool   `name:"insecure-http" help:"Allow plain http to a server that is not on loopback." env:"SITECAST_INSECURE_HTTP"`
	JSON         bool   `name:"json" help:"Print the report as JSON."`

	Out io.Writer `kong:"-"` // for tests; nil stands for the process's own
}

// Help is the long help with examples.
func (Doctor) Help() string {
	return `Run it on an endpoint's computer, with the flags its agent has; the agent may run
meanwhile, and is not disturbed. It says which way leads to the server and to peers,
what stands in the way, and what to do: DNS, proxy, TLS inspection, captive portals,
the clock, blocked WebSockets or UDP, relays, the kind of NAT, lost full packets,
client isolation. Addresses that are hidden by mDNS concern browsers alone and are not
looked at. The exit code is 0 when the endpoint can work, by whatever way, and 1 when
it can't.

Examples:
  sitecast doctor --server https://sitecast.example:8443 --data /var/lib/sitecast
  sitecast doctor --server https://sitecast.example:8443 --data /var/lib/sitecast --status-listen 127.0.0.1:8089 --json`
}

// errCannotWork means that the endpoint does not reach its server as it should.
var errCannotWork = errors.New("this endpoint can't work as it is: do what the report says, and run the doctor again")

// Run examines and prints.
func (c Doctor) Run(ctx context.Context) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	out := c.Out
	if out == nil {
		out = os.Stdout
	}
	report := doctor.Examine(ctx, cfg)
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := printReport(out, report, c.JSON); err != nil {
		return err
	}
	if !report.Works {
		return errCannotWork
	}
	return nil
}

func (c Doctor) config() (doctor.Config, error) {
	server, err := parseServer(c.Server, c.InsecureHTTP)
	if err != nil {
		return doctor.Config{}, err
	}
	for flag, at := range map[string]string{"--stun": c.STUN, "--reflector": c.Reflector} {
		if _, _, err := net.SplitHostPort(at); at != "" && err != nil {
			return doctor.Config{}, fmt.Errorf("%s %q is not an address such as stun.example:3478", flag, at)
		}
	}
	dial, err := proxy.New(c.Proxy, direct)
	if err != nil {
		return doctor.Config{}, fmt.Errorf("--proxy: %w", err)
	}
	through, err := proxy.For(c.Proxy, proxy.Address(server))
	if err != nil {
		return doctor.Config{}, fmt.Errorf("read the proxy's address from the environment: %w", err)
	}
	if through != "" {
		from := "HTTPS_PROXY"
		if c.Proxy != "" {
			from = "--proxy or SITECAST_PROXY"
		}
		through += " (from " + from + ")"
	}
	authorities, err := readAuthorities(c.CAFile)
	if err != nil {
		return doctor.Config{}, fmt.Errorf("--ca-file: %w", err)
	}
	trust, err := judgeBy(c.Data, server, authorities)
	if err != nil {
		return doctor.Config{}, fmt.Errorf("--data: %w", err)
	}
	cfg := doctor.Config{Server: server, Dial: dial, Proxy: through, Trust: trust, Relay: c.STUN, Reflector: c.Reflector,
		Lookup: func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		},
		ListenPacket: func(ctx context.Context) (net.PacketConn, error) {
			return new(net.ListenConfig).ListenPacket(ctx, "udp", ":0")
		}}
	if c.StatusListen != "" {
		cfg.Agent = func(ctx context.Context) (doctor.Agent, error) { return askAgent(ctx, c.StatusListen) }
	}
	return cfg, nil
}

// judgeBy returns how the server's certificate is judged: as the agent of that folder
// does, see [pinned].
func judgeBy(data string, server *url.URL, others *x509.CertPool) (func([]*x509.Certificate) (doctor.Voucher, error), error) {
	pin, known := "", false
	if data != "" {
		id, err := loadIdentity(data)
		if err != nil && !errors.Is(err, errNotEnrolled) {
			return nil, err
		}
		if err == nil {
			pin, known = id.Pin, true
		}
	}
	host := server.Hostname()
	return func(chain []*x509.Certificate) (doctor.Voucher, error) {
		var err error
		if pin != "" {
			if err = checkPin(chain, host, pin); err == nil {
				return doctor.Pinned, nil
			}
		} else if err = vouched(chain, host, nil); err == nil {
			return doctor.Authorities, nil
		}
		if others != nil {
			if err = vouched(chain, host, others); err == nil && known {
				return doctor.Added, nil
			}
		}
		// The authority of --ca-file may be the server's own: a pin would tell.
		if unknown := new(x509.UnknownAuthorityError); !known && (err == nil || errors.As(err, unknown)) {
			return doctor.Unjudged, nil
		}
		return doctor.Nobody, err
	}, nil
}

// askAgent asks the running agent for its status.
func askAgent(ctx context.Context, at string) (a doctor.Agent, err error) {
	ctx, stop := context.WithTimeout(ctx, 2*statusTimeout)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+at+"/status", nil)
	if err != nil {
		return a, err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // and no proxy
	resp, err := client.Do(req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return a, fmt.Errorf("GET http://%s/status: %s", at, resp.Status)
	}
	return a, json.NewDecoder(io.LimitReader(resp.Body, maxStatusBytes)).Decode(&a)
}

// printReport writes a report for people, or as JSON.
func printReport(out io.Writer, r doctor.Report, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	_, err := io.WriteString(out, finding.Text(r.Findings, r.Path, r.Advice))
	return err
}
