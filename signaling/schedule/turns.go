package schedule

// classes is how many classes of priority there are.
const classes = 3

// Turn is where a flow is among those of its class. Its zero value is a flow that begins.
type Turn struct {
	class int
	next  uint64 // where its next lease begins, in bytes leased to the class
}

// Turns is where the leases of a site are, for start-time fair queueing (Goyal, Vin and
// Cheng, SIGCOMM 1996): where the last one granted began, in bytes, for each class. Each has
// its own scale: by that of a higher class, which goes twenty times as fast, all flows of a
// lower one would be due at once, and the first of them would have it all. The zero value has
// granted nothing.
type Turns struct{ at [classes]uint64 }

// Begins is where the next lease of a flow begins. Who waited, or comes from another class,
// begins where its class is.
func (t *Turns) Begins(turn Turn, class int) uint64 {
	if turn.class != class {
		return t.at[class]
	}
	return max(turn.next, t.at[class])
}

// Take counts a lease, and returns the flow's turn after it.
func (t *Turns) Take(turn Turn, class int, bytes int64) Turn {
	t.at[class] = t.Begins(turn, class)
	return Turn{class, t.at[class] + uint64(bytes)}
}
