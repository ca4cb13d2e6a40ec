package governor

// idleShare of an equal share goes to a fetcher that could not use more: enough to
// notice when it can.
const idleShare = 0.1

// Split divides a rate among fetchers: equally among those who want more, and a
// little for the others. The parts add up to the rate.
func Split(rate float64, wants []bool) []float64 {
	n := 0
	for _, w := range wants {
		if w {
			n++
		}
	}
	out := make([]float64, len(wants))
	rest := rate
	if n > 0 {
		for i, w := range wants {
			if !w {
				out[i] = idleShare * rate / float64(len(wants))
				rest -= out[i]
			}
		}
	}
	for i, w := range wants {
		switch {
		case n == 0:
			out[i] = rate / float64(len(wants))
		case w:
			out[i] = rest / float64(n)
		}
	}
	return out
}
