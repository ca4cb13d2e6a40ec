package doctor

import (
	"errors"
	"fmt"
)

// errNoAgent means that no agent was asked.
var errNoAgent = errors.New("no agent was asked")

// links says what the running agent's links tell. Endpoints of a site share its LAN, so
// that where UDP passes and yet every link is relayed, the LAN keeps its devices apart.
func links(a Agent, err error, udp bool) Finding {
	f := Finding{Rung: RungLinks, Mark: Skipped}
	if err != nil {
		f.Seen = "whether peers are reached only a running agent knows; give its --status-listen"
		if !errors.Is(err, errNoAgent) {
			f.Seen = "the agent does not answer: " + err.Error()
		}
		return f
	}
	relayed := 0
	for _, l := range a.Links {
		if l.Relayed {
			relayed++
		}
	}
	n := len(a.Links)
	switch {
	case !a.Connected:
		f.Mark, f.Fault, f.Seen = Warn, FaultAgent, "the running agent is not connected to the server"
		if a.Trouble != "" {
			f.Seen += ": " + a.Trouble
		}
		f.Do = "if all else passes, the agent runs with another --server, --proxy or --ca-file than were given here, or was removed: look into its log."
		return f
	case n == 0:
		f.Seen = "the running agent is connected and has no links now: no peer is online, or none is reached"
		return f
	case relayed == n && udp:
		f.Mark, f.Fault = Warn, FaultIsolation
		f.Seen = fmt.Sprintf("the running agent is connected; all of its %d links go by a relay, though UDP passes", n)
		f.Do = "have the access point's client isolation switched off, or UDP between the VLANs of this site's endpoints allowed; or put a relay at the site (sitecast relay)."
	default:
		f.Mark = OK
		f.Seen = fmt.Sprintf("the running agent is connected; %d of its links are direct, %d go by a relay", n-relayed, relayed)
	}
	f.Way = fmt.Sprintf("Of the agent's links %d are direct and %d go by a relay.", n-relayed, relayed)
	return f
}
