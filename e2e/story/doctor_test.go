//go:build linux

package story

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/sitecast/sitecast/e2e/netlab"
	"github.com/sitecast/sitecast/edge/doctor"
)

// doctor runs one beside the first agent, and returns which faults it names.
func (s *stage) doctor(flags ...string) (faults map[doctor.Rung]doctor.Fault, works bool) {
	s.t.Helper()
	args := append([]string{"doctor", "--json", "--server", "https://" + s.lab.Origin.IP().String() + ":8443", "--data", s.Agents[0][0].Data}, flags...)
	out, err := s.lab.Sites[0].Endpoints[0].Command(s.ctx, program, args...).Output()
	if failed := new(exec.ExitError); err != nil && !errors.As(err, &failed) {
		s.t.Fatal(err)
	}
	var r doctor.Report
	s.must(json.Unmarshal(out, &r))
	if r.Works != (err == nil) {
		s.t.Errorf("it says works: %v, and ends with %v", r.Works, err)
	}
	faults = map[doctor.Rung]doctor.Fault{}
	for _, f := range r.Findings {
		if f.Fault != "" {
			faults[f.Rung] = f.Fault
		}
	}
	s.t.Logf("doctor %q: %+v", flags, r)
	return faults, r.Works
}

func (s *stage) wantFault(works bool, rung doctor.Rung, fault doctor.Fault, flags ...string) {
	s.t.Helper()
	faults, worked := s.doctor(flags...)
	if worked != works || fault == "" && len(faults) > 0 || fault != "" && (len(faults) != 1 || faults[rung] != fault) {
		s.t.Errorf("works: %v, faults %v; want %v, %q at %q", worked, faults, works, fault, rung)
	}
}

// TestTheDoctorNamesWhatStandsInTheWay: on real links, beside agents that run.
func TestTheDoctorNamesWhatStandsInTheWay(t *testing.T) {
	long(t)
	t.Parallel() // it waits most of its time
	s := open(t, netlab.Plan{Sites: []netlab.SitePlan{{Endpoints: 2, WAN: wan(50), Isolated: true}}}, 1000)
	s.must(s.StartAgents(s.ctx))
	s.wantFault(true, "", "")
	s.sitecast("distribute", "app@1", "--all") // links are made for a flow
	s.linked(1)
	s.wantFault(true, doctor.RungLinks, doctor.FaultIsolation, "--status-listen", "127.0.0.1:9090")

	m := s.beMiddle(s.lab.Origin.IP().String() + ":8443")
	through := "http://" + proxyUser + "@" + s.lab.Sites[0].Router.IP().String() + ":" + proxyPort
	if faults, works := s.doctor("--proxy", through); works || faults[doctor.RungTLS] != doctor.FaultTLS {
		t.Errorf("TLS opened by a stranger: works: %v, faults %v", works, faults)
	}
	if faults, works := s.doctor("--proxy", through, "--ca-file", m.file); !works || faults[doctor.RungTLS] != doctor.FaultTLS || faults[doctor.RungSocket] != doctor.FaultWebSocket {
		t.Errorf("TLS opened by whom --ca-file names, and no WebSocket: works: %v, faults %v", works, faults)
	}
	s.wantFault(false, doctor.RungConnection, doctor.FaultProxy, "--proxy", "http://"+s.lab.Sites[0].Router.IP().String()+":"+proxyPort)

	for _, c := range []struct {
		rule  []string
		works bool
		rung  doctor.Rung
		fault doctor.Fault
	}{
		{[]string{"-p", "udp"}, true, doctor.RungUDP, doctor.FaultUDP},
		{[]string{"-m", "length", "--length", "1200:65535", "-p", "tcp"}, false, doctor.RungTLS, doctor.FaultMTU},
		{[]string{"-m", "length", "--length", "1400:65535", "-p", "udp"}, true, doctor.RungUDP, doctor.FaultMTU},
		{[]string{"-p", "tcp", "--dport", "8443"}, false, doctor.RungConnection, doctor.FaultUnreachable},
	} {
		router := s.lab.Sites[0].Router
		rule := func(what string) {
			t.Helper()
			args := append([]string{what, "FORWARD", "-i", "lan", "-o", "wan", "-j", "DROP"}, c.rule...)
			if out, err := router.Command(s.ctx, "iptables", args...).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		}
		rule("-A")
		s.wantFault(c.works, c.rung, c.fault)
		rule("-D")
	}
	s.wantFault(true, "", "")
}

// long is for what takes so long that only `make test-long` runs it.
func long(t *testing.T) {
	t.Helper()
	if os.Getenv("SITECAST_LONG") == "" {
		t.Skip("it takes long: make test-long")
	}
}
