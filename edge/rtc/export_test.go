package rtc

import "net"

// Fingerprint is what is read out of a description before it is believed.
var Fingerprint = fingerprint

// Nonces remembers offers.
type Nonces struct{ n nonces }

// Add reports whether link is new.
func (n *Nonces) Add(link string) bool { return n.n.add(link) }

// MaxNonces is how many are remembered.
const MaxNonces = maxNonces

// Sift takes the candidates out of a description.
func Sift(text string) (sdp string, candidates []string, err error) {
	d, err := sift(text)
	return d.sdp, d.candidates, err
}

// SocketNetwork says how a socket on an address is opened.
var SocketNetwork = socketNetwork

// Families says which kinds of address a socket at an address sends to.
func Families(local net.Addr) (v4, v6 bool) {
	f := familiesOf(local)
	return f.v4, f.v6
}
