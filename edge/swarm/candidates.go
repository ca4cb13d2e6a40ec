package swarm

// candidates is a set of chunks that can be walked from any place: a dense list
// and each chunk's position in it.
type candidates struct {
	list []uint32
	at   []uint32 // position in list plus one; 0 when not in the set
}

func newCandidates(n uint32) candidates { return candidates{at: make([]uint32, n)} }

func (c *candidates) len() int { return len(c.list) }

func (c *candidates) add(i uint32) {
	if c.at[i] == 0 {
		c.list = append(c.list, i)
		c.at[i] = uint32(len(c.list))
	}
}

func (c *candidates) remove(i uint32) {
	at := c.at[i]
	if at == 0 {
		return
	}
	last := c.list[len(c.list)-1]
	c.list[at-1] = last
	c.at[last] = at
	c.at[i] = 0
	c.list = c.list[:len(c.list)-1]
}
