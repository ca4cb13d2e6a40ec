// Package wire declares every message that endpoints, peers and the server
// exchange, once: control messages as JSON over one WebSocket per endpoint, and
// frames as bytes over the data channels between two peers. It holds layouts,
// limits, versions and codecs; it does no I/O.
//
// Compatibility: unknown JSON fields are ignored, unknown message types and
// frame kinds are refused with a code, and both sides announce the highest
// version they speak and use the lower. Numbers of removed frames are never
// used again. The files in testdata/vectors are read by every implementation.
package wire

import "time"

// Version is the protocol that this build speaks, on sockets and data channels.
//
//   - 1: first release.
const Version = 1

// Limits of the control socket.
const (
	// MaxMessageBytes bounds one control message. It also is the read limit of
	// the socket, before and after authentication.
	MaxMessageBytes = 64 << 10
	// MaxUnacked and MaxUnackedBytes bound the messages a side keeps for a
	// resume; beyond them the session is dropped and begun anew. They leave room
	// for MaxFlows flows sent at once.
	MaxUnacked      = 2 * MaxFlows
	MaxUnackedBytes = 8 << 20
	// MaxNumber is the highest epoch, generation, id or counter: what JavaScript
	// counts exactly.
	MaxNumber = 1<<53 - 1
	// MaxSDPBytes bounds a session description.
	MaxSDPBytes = 16 << 10
	// MaxCandidateBytes bounds one ICE candidate line.
	MaxCandidateBytes = 512
	// MaxDictionaryChunks bounds the chunks that a patch is made of.
	MaxDictionaryChunks = 64
	// MaxLeaseParts bounds the chunks of one lease.
	MaxLeaseParts = 512
	// MaxFlows bounds the flows a site may have at once.
	MaxFlows = 1024
	// MaxKeeping bounds the pins, the purges and the copies that an endpoint is told of at
	// once, and the versions it says to have spare; with MaxFlows they fit a message.
	MaxKeeping = 24
	// MaxReasonBytes bounds free text meant for a person.
	MaxReasonBytes = 256
)

// Times of the control socket.
const (
	// HelloTimeout bounds the wait for a hello, and for the welcome.
	HelloTimeout = 5 * time.Second
	// ResumeGrace is how long a session outlives its socket at the server.
	ResumeGrace = 2 * time.Second
	// AckDelay bounds how long a message waits for its acknowledgement, unless
	// MaxAckOwed of them wait. Nobody waits for one but what is kept for a resume: sooner, each
	// report of an endpoint that gets something, one a second, would be answered by itself.
	AckDelay = 5 * time.Second
	// MaxReportInterval bounds Flows.ReportMs. Who is silent for much longer counts as one
	// that sleeps.
	MaxReportInterval = 4 * time.Second
	MaxAckOwed        = 64
)
