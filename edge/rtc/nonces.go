package rtc

// maxNonces is how many offers are remembered: days of dialling at a site.
const maxNonces = 4096

// nonces remembers the newest links that were offered, so that a server can't
// use an old offer again. What falls out of it could only waste time: without
// its author's DTLS key nobody can complete a link.
type nonces struct {
	known map[string]bool
	ring  [maxNonces]string
	next  int
}

// add reports whether link is new, and remembers it.
func (n *nonces) add(link string) bool {
	if n.known[link] {
		return false
	}
	if n.known == nil {
		n.known = map[string]bool{}
	}
	delete(n.known, n.ring[n.next])
	n.known[link] = true
	n.ring[n.next] = link
	n.next = (n.next + 1) % maxNonces
	return true
}
