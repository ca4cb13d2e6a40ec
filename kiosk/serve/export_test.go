package serve

// Which file a path asks for, and what opens it.
var (
	PlaceOf = placeOf
	Find    = find
)

// The limits of a stream.
const (
	MaxStreams = maxStreams
	Heartbeat  = heartbeat
)
