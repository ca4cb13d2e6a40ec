//go:build linux

package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/sitecast/sitecast/e2e/rig"
	"github.com/sitecast/sitecast/signaling/credential"
)

// kind is a program that relays.
type kind struct {
	name  string
	start func(ctx context.Context, exe, dir string) (relay, error)
}

// relay is one that runs.
type relay struct {
	process *rig.Process
	addr    netip.AddrPort
	secret  []byte
}

const coturn = "coturn"

var relays = []kind{{coturn, startCoturn}, {"sitecast relay", startRelay}, {"sitecast server", startServer}}

// Ports to relay with: as many as a relay of ours has unless it is told otherwise.
const minPort, maxPort = 49160, 49660

// free is an address of this host that nobody uses, for UDP and TCP.
func free() (netip.AddrPort, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return netip.AddrPort{}, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort(), nil
}

// launch runs a relay and waits until it answers.
func launch(ctx context.Context, dir string, at relay, name string, args ...string) (relay, error) {
	var err error
	log := filepath.Join(dir, "relay.log")
	if at.process, err = rig.Launch(exec.CommandContext(ctx, name, args...), log); err != nil {
		return at, fmt.Errorf("start %s: %w", name, err)
	}
	const patience = 10 * time.Second
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if c, err := dial(at, overUDP); err == nil {
			_, err = c.turn.SendBindingRequest()
			c.close()
			if err == nil {
				return at, nil
			}
		}
	}
	text := at.process.Log()
	at.process.Kill()
	return at, fmt.Errorf("%s does not answer\n%s", name, text)
}

// secret is what relay and load share; coturn takes it as text.
func secret() []byte {
	return []byte(base64.StdEncoding.EncodeToString([]byte("shared by relay and load")))
}

func startCoturn(ctx context.Context, _, dir string) (relay, error) {
	addr, err := free()
	if err != nil {
		return relay{}, err
	}
	at := relay{addr: addr, secret: secret()}
	cert, key, err := rig.Certificate(dir)
	if err != nil {
		return at, err
	}
	tls, err := free() // it speaks TLS at the other port as well
	if err != nil {
		return at, err
	}
	return launch(ctx, dir, at, "turnserver", "-n", "--no-cli", "--cert="+cert, "--pkey="+key, fmt.Sprintf("--tls-listening-port=%d", tls.Port()), "--no-dtls", "--no-tcp-relay", "--use-auth-secret",
		"--static-auth-secret="+string(at.secret), "--realm=sitecast", "--listening-ip="+addr.Addr().String(), "--relay-ip="+addr.Addr().String(),
		fmt.Sprintf("--listening-port=%d", addr.Port()), fmt.Sprintf("--min-port=%d", minPort), fmt.Sprintf("--max-port=%d", maxPort),
		"--allow-loopback-peers", "--log-file=stdout", "--simple-log", "--pidfile="+filepath.Join(dir, "pid"), "--userdb="+filepath.Join(dir, "turndb"))
}

func startRelay(ctx context.Context, exe, dir string) (relay, error) {
	addr, err := free()
	if err != nil {
		return relay{}, err
	}
	at := relay{addr: addr, secret: secret()}
	file := filepath.Join(dir, "relay.secret")
	if err := os.WriteFile(file, at.secret, 0o600); err != nil {
		return at, err
	}
	cert, key, err := rig.Certificate(dir)
	if err != nil {
		return at, err
	}
	return launch(ctx, dir, at, exe, "relay", "--tls-cert", cert, "--tls-key", key, "--listen", addr.String(), "--public-ip", addr.Addr().String(), "--secret-file", file,
		"--ports", fmt.Sprintf("%d-%d", minPort, maxPort))
}

func startServer(ctx context.Context, exe, dir string) (relay, error) {
	addr, err := free()
	if err != nil {
		return relay{}, err
	}
	listen, err := free()
	if err != nil {
		return relay{}, err
	}
	keys, _, err := credential.OpenKeys(dir) // which the server finds there
	if err != nil {
		return relay{}, err
	}
	return launch(ctx, dir, relay{addr: addr, secret: keys.TURNSecret()}, exe, "server", "--data", dir, "--listen", listen.String(), "--turn-listen", addr.String())
}
