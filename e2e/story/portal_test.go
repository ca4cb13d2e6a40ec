//go:build linux

package story

import (
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/sitecast/sitecast/e2e/rig"
	"github.com/sitecast/sitecast/edge/doctor"
)

// bePortal answers for every host from the site's router, in plain and with a certificate
// of its own, until open is called: guests have to log on first.
func (s *stage) bePortal() (open func()) {
	s.t.Helper()
	router := s.lab.Sites[0].Router
	cert, key := s.certificate()
	pair, err := tls.LoadX509KeyPair(cert, key)
	s.must(err)
	web := &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.RedirectHandler("http://portal.example/login", http.StatusFound)}
	var wg sync.WaitGroup
	s.t.Cleanup(func() { _ = web.Close(); wg.Wait() })
	rules := [][]string{{"FORWARD", "-i", "lan", "-p", "udp", "-j", "DROP"}}
	for port, to := range map[string]string{"80": "8081", "8443": "8082"} {
		l, err := router.Listen("tcp4", router.IP().String()+":"+to)
		s.must(err)
		if port != "80" {
			l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{pair}})
		}
		wg.Go(func() { _ = web.Serve(l) })
		rules = append(rules, []string{"PREROUTING", "-t", "nat", "-i", "lan", "-p", "tcp", "--dport", port, "-j", "REDIRECT", "--to-ports", to})
	}
	for _, r := range rules {
		s.run("iptables", append([]string{"-A"}, r...)...)
	}
	return func() {
		for _, r := range rules {
			s.run("iptables", append([]string{"-D"}, r...)...)
		}
	}
}

// An agent behind a captive portal says so, takes nothing from it, and goes on when
// somebody has logged on.
func TestAnAgentSaysThatItIsBehindACaptivePortal(t *testing.T) {
	long(t)
	const size = 2 * mib
	s := begin(t, oneSite(1, 20), size)
	agent := s.Agents[0][0]
	s.must(agent.Stop())
	open := s.bePortal()
	s.must(agent.Restart())
	var status struct {
		Connected bool   `json:"connected"`
		Trouble   string `json:"trouble"`
	}
	s.must(rig.Poll(s.ctx, "the agent to name the portal", func() (bool, error) {
		if err := agent.Status(s.ctx, &status); err != nil {
			return false, nil // it starts
		}
		return strings.HasPrefix(status.Trouble, string(doctor.FaultPortal)), nil
	}))
	t.Log(status.Trouble)
	if status.Connected || !strings.Contains(status.Trouble, "portal.example") || !strings.Contains(status.Trouble, "log on") {
		t.Errorf("the status is %+v", status)
	}
	open()
	s.sitecast("distribute", "app@1", "--all", "--wait")
	s.wantDelivered("app", "1", size)
	s.must(agent.Status(s.ctx, &status))
	if !status.Connected {
		t.Error("the agent is not connected")
	}
	var after struct{ Trouble string }
	if s.must(agent.Status(s.ctx, &after)); after.Trouble != "" {
		t.Errorf("it still says %q", after.Trouble)
	}
}
