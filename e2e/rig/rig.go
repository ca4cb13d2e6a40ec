//go:build linux

// Package rig installs Sitecast on a network of namespaces as an operator would:
// real processes, the server on the origin's host, agents on the endpoints, all
// driven by the command line and read by its JSON. Stories and benchmarks stand
// on it.
package rig

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sitecast/sitecast/e2e/netlab"
	"github.com/sitecast/sitecast/signaling/site"
)

const (
	serverPort = "8443"
	statusPort = "9090"
	kioskPort  = "8088" // what kiosks listen on unless told otherwise
	relayPort  = "3478" // of the server's own
	// patience is how long a process may take to start or to obey.
	patience = 30 * time.Second
	pollStep = 50 * time.Millisecond
	// getTimeout bounds one page.
	getTimeout = 5 * time.Second
	// killAfter is when a process that ignores SIGTERM is killed.
	killAfter = 10 * time.Second
)

// Rig is a running installation.
type Rig struct {
	Lab    *netlab.Lab
	Server *Process
	Agents [][]*Agent // by site and endpoint
	// AgentFlags are further flags of agents started from now on.
	AgentFlags []string

	exe        string
	dir        string
	scheme     Scheme
	url        string // as programs on the hosts know it
	near       string // and this process
	serverArgs []string
	relays     []*Process
	before     int64 // bytes that servers before this one served
}

// insecure is the flag without which plain HTTP is refused.
func (r *Rig) insecure() []string {
	if r.scheme == Plain {
		return []string{"--insecure-http"}
	}
	return nil
}

// Agent is one endpoint's agent.
type Agent struct {
	*Process
	Name string
	Data string // its folder

	args []string
	host *netlab.Host
	rig  *Rig
}

// SiteName is the name of the i-th site, from 0.
func SiteName(i int) string { return fmt.Sprintf("site-%d", i+1) }

// Scheme says how everybody speaks to the server.
type Scheme string

// The schemes: TLS with the server's private CA is what it does unless told
// otherwise; plain HTTP is what programs to compare with speak.
const (
	TLS   Scheme = "https"
	Plain Scheme = "http"
)

// Start runs the program at exe as server on the lab's origin, with a site for
// each of the lab's, keeping everything in dir. Further flags go to the server.
func Start(ctx context.Context, lab *netlab.Lab, exe, dir string, scheme Scheme, flags ...string) (*Rig, error) {
	address := net.JoinHostPort(lab.Origin.IP().String(), serverPort)
	r := &Rig{Lab: lab, exe: exe, dir: dir, scheme: scheme, url: string(scheme) + "://" + address, near: string(scheme) + "://" + address}
	if lab.Family() == netlab.Mixed {
		r.url, address = string(scheme)+"://"+net.JoinHostPort(netlab.OriginName, serverPort), ":"+serverPort
		flags = append(publicIPs("--turn-public-ip", lab.Origin), append(flags, "--turn-listen", ":"+relayPort)...)
	}
	r.serverArgs = append([]string{"server", "--data", filepath.Join(dir, "server"), "--listen", address, "--public-url", r.url},
		append(r.insecure(), flags...)...)
	if err := r.startServer(); err != nil {
		return nil, err
	}
	err := r.ready(ctx)
	for i := range lab.Sites {
		if err == nil {
			_, err = r.Sitecast(ctx, "site", "create", SiteName(i))
		}
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	r.Agents = make([][]*Agent, len(lab.Sites))
	return r, nil
}

func (r *Rig) startServer() (err error) {
	r.Server, err = run(r.Lab.Origin, filepath.Join(r.dir, "server.log"), r.exe, r.serverArgs...)
	if err != nil {
		return err
	}
	return r.Server.First() // the origin is a machine of its own
}

func (r *Rig) ready(ctx context.Context) error {
	return Poll(ctx, "the server to answer", func() (bool, error) {
		_, err := r.get(ctx, r.Lab.Origin, r.near+"/readyz")
		return err == nil, nil
	})
}

// KillServer ends the server at once, as a power cut would. What it served is
// remembered first, so that [Rig.Served] goes on counting.
func (r *Rig) KillServer(ctx context.Context) error {
	served, err := r.Served(ctx)
	r.Server.Kill()
	if err == nil {
		r.before = served
	}
	return err
}

// RestartServer starts the server again on the data it had, after it was stopped
// or killed, and waits until it answers.
func (r *Rig) RestartServer(ctx context.Context) error {
	if err := r.startServer(); err != nil {
		return err
	}
	return r.ready(ctx)
}

// StartAgents starts an agent on every endpoint of every site, and waits until all
// are online.
func (r *Rig) StartAgents(ctx context.Context) error {
	for i, s := range r.Lab.Sites {
		for k := range s.Endpoints {
			if _, err := r.StartAgent(ctx, i, k); err != nil {
				return err
			}
		}
	}
	return r.Online(ctx)
}

// StartAgent enrols the k-th endpoint of the i-th site and starts its agent.
func (r *Rig) StartAgent(ctx context.Context, i, k int) (*Agent, error) {
	return r.startEndpoint(ctx, i, k, "agent", append([]string{"--status-listen", "127.0.0.1:" + statusPort}, r.AgentFlags...)...)
}

// StartKiosk does the same with a kiosk, which is an agent that shows a content.
func (r *Rig) StartKiosk(ctx context.Context, i, k int, app string, flags ...string) (*Agent, error) {
	return r.startEndpoint(ctx, i, k, "kiosk", append([]string{"--app", app}, flags...)...)
}

func (r *Rig) startEndpoint(ctx context.Context, i, k int, command string, flags ...string) (*Agent, error) {
	token, err := r.Sitecast(ctx, "enrol", "--site", SiteName(i))
	if err != nil {
		return nil, err
	}
	host := r.Lab.Sites[i].Endpoints[k]
	a := &Agent{Name: fmt.Sprintf("%s-till-%d", SiteName(i), k+1), host: host, rig: r}
	a.Data = filepath.Join(r.dir, a.Name)
	file := filepath.Join(r.dir, a.Name+".token")
	if err := os.WriteFile(file, token, 0o600); err != nil {
		return nil, err
	}
	// All endpoints of a rig are on one disk, and would yield to each other.
	a.args = slices.Concat([]string{command, "--server", r.url, "--enrol-token-file", file, "--data", a.Data, "--no-polite", "--name", a.Name},
		r.insecure(), flags)
	r.Agents[i] = append(r.Agents[i], a)
	return a, a.Restart()
}

// Restart starts the agent again, after it was stopped or killed, with further flags.
func (a *Agent) Restart(flags ...string) (err error) {
	a.Process, err = run(a.host, filepath.Join(a.rig.dir, a.Name+".log"), a.rig.exe, slices.Concat(a.args, flags)...)
	return err
}

// publicIPs are flags that name a host's addresses.
func publicIPs(flag string, host *netlab.Host) (flags []string) {
	for _, ip := range host.IPs() {
		flags = append(flags, flag, ip.String())
	}
	return flags
}

// StartRelay runs a relay on a host, at all its addresses, over TLS too with a
// certificate.
func (r *Rig) StartRelay(host *netlab.Host, port, secretFile, cert, key string) error {
	args := append([]string{"relay", "--listen", ":" + port, "--secret-file", secretFile}, publicIPs("--public-ip", host)...)
	if cert != "" {
		args = append(args, "--tls-cert", cert, "--tls-key", key)
	}
	p, err := run(host, filepath.Join(r.dir, "relay.log"), r.exe, args...)
	if err == nil {
		r.relays = append(r.relays, p)
	}
	return err
}

// Online waits until every agent that was started is online.
func (r *Rig) Online(ctx context.Context) error {
	want := 0
	for _, agents := range r.Agents {
		want += len(agents)
	}
	return Poll(ctx, "all agents to come online", func() (bool, error) {
		list, err := r.Endpoints(ctx)
		online := 0
		for _, e := range list {
			if e.Online {
				online++
			}
		}
		return online >= want, err
	})
}

// Sitecast runs an operator's command on the origin's host and returns what it
// prints.
func (r *Rig) Sitecast(ctx context.Context, args ...string) ([]byte, error) {
	cmd := r.Lab.Origin.Command(ctx, r.exe, args...)
	cmd.Env = append(os.Environ(), "SITECAST_SERVER="+r.url, "SITECAST_INSECURE_HTTP="+strconv.FormatBool(r.scheme == Plain),
		"SITECAST_TOKEN_FILE="+filepath.Join(r.dir, "server", "admin.token"),
		"SITECAST_PUBLISHER_KEY="+filepath.Join(r.dir, "publisher.key"))
	var errText bytes.Buffer
	cmd.Stderr = &errText
	out, err := cmd.Output()
	if err != nil {
		return out, fmt.Errorf("sitecast %s: %w\n%s", strings.Join(args, " "), err, errText.String())
	}
	return out, nil
}

// Publish publishes a file or folder.
func (r *Rig) Publish(ctx context.Context, path, name, version string) error {
	_, err := r.Sitecast(ctx, "publish", path, "--name", name, "--version", version)
	return err
}

// Flows returns the flows of all sites.
func (r *Rig) Flows(ctx context.Context) (flows []site.FlowView, err error) {
	out, err := r.Sitecast(ctx, "flows", "--json")
	if err != nil {
		return nil, err
	}
	return flows, json.Unmarshal(out, &flows)
}

// Endpoints returns the endpoints of all sites.
func (r *Rig) Endpoints(ctx context.Context) (list []site.EndpointView, err error) {
	out, err := r.Sitecast(ctx, "endpoints", "--json")
	if err != nil {
		return nil, err
	}
	return list, json.Unmarshal(out, &list)
}

// Served returns how many bytes of objects the origin has served, also before it
// was killed by [Rig.KillServer]; but for what it served while it was asked.
func (r *Rig) Served(ctx context.Context) (int64, error) {
	n, err := r.ServerMetric(ctx, "sitecast_origin_served_bytes_total")
	return r.before + int64(n), err
}

// Placed returns the path at which an agent shows complete content.
func (a *Agent) Placed(name, version string) string {
	return filepath.Join(a.Data, "content", name, version)
}

// Client asks over HTTP as a program on a host would, which trusts whatever server it
// finds. It keeps no connection.
func Client(host *netlab.Host) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: Dialer(host), DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // agents check it
}

// Dialer opens connections from a host for this process.
func Dialer(host *netlab.Host) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (conn net.Conn, err error) {
		err = host.Do(func() error {
			conn, err = new(net.Dialer).DialContext(ctx, network, addr)
			return err
		})
		return conn, err
	}
}

// get fetches a page from one of the hosts.
func (r *Rig) get(ctx context.Context, host *netlab.Host, url string) ([]byte, error) {
	ctx, stop := context.WithTimeout(ctx, getTimeout)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := Client(host).Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("get %s: %s", url, resp.Status)
	}
	return io.ReadAll(resp.Body)
}

// Wait waits until done says so.
func Wait(ctx context.Context, what string, done func() bool) error {
	return Poll(ctx, what, func() (bool, error) { return done(), nil })
}

// Poll waits until done says so or fails, or patience ends.
func Poll(ctx context.Context, what string, done func() (bool, error)) error {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	for {
		ok, err := done()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited %v for %s", patience, what)
		case <-time.After(pollStep):
		}
	}
}

// Pause lets a time pass, and fails if ctx ends before.
func Pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// CPU is the processor time that the server and all agents have used.
func (r *Rig) CPU() (total time.Duration, err error) {
	processes := []*Process{r.Server}
	for _, agents := range r.Agents {
		for _, a := range agents {
			processes = append(processes, a.Process)
		}
	}
	for _, p := range processes {
		used, err := p.CPU()
		if err != nil {
			return 0, err
		}
		total += used
	}
	return total, nil
}

// Close stops everything.
func (r *Rig) Close() error {
	var all []*Process
	for _, agents := range r.Agents {
		for _, a := range agents {
			all = append(all, a.Process)
		}
	}
	all = append(append(all, r.relays...), r.Server)
	for _, p := range all {
		p.signal(syscall.SIGTERM)
	}
	var err error
	for _, p := range all {
		err = errors.Join(err, p.Stop())
	}
	return err
}
