package server

// NewSplit is for tests of the listener by itself.
var NewSplit = newSplit

// Times and limits that tests wait for.
const (
	FirstByteTimeout = firstByteTimeout
	ReloadEvery      = reloadEvery
	ShutdownTime     = shutdownTime
	SeenInterval     = seenInterval
)

// NewSource is what tells sites what is wanted.
var NewSource = newSource
