package wire

import (
	"encoding/json"
	"time"

	"github.com/sitecast/sitecast/storage/content"
)

// Kind names a control message; it is the JSON member "type".
type Kind string

// The control messages. Direction is written beside each.
const (
	KindHello    Kind = "hello"    // endpoint -> server, first message on a socket
	KindWelcome  Kind = "welcome"  // server -> endpoint, the answer to hello
	KindRenew    Kind = "renew"    // endpoint -> server, asks for a fresh token; server -> endpoint, carries it
	KindTrust    Kind = "trust"    // server -> endpoint, a newer trust document
	KindFlow     Kind = "flow"     // server -> endpoint, desired state of one flow
	KindFlows    Kind = "flows"    // server -> endpoint, closes a generation: the flows that exist
	KindObeyed   Kind = "obeyed"   // endpoint -> server, the generation now obeyed
	KindDial     Kind = "dial"     // server -> endpoint, make a link to a peer
	KindVisiting Kind = "visiting" // server -> endpoint, which flows a peer takes part in changed
	KindHangUp   Kind = "hang_up"  // server -> endpoint, close the link to a peer
	KindSignal   Kind = "signal"   // both ways, forwarded: offer, answer or candidate of a link
	KindLinked   Kind = "linked"   // endpoint -> server, a link came up or went down
	KindLease    Kind = "lease"    // server -> endpoint, the right to fetch a range once
	KindRevoke   Kind = "revoke"   // server -> endpoint, a lease ended early
	KindGovern   Kind = "govern"   // server -> endpoint, who governs the line to the WAN, and within what bounds
	KindGrant    Kind = "grant"    // both ways, forwarded from the holder: bytes per second a fetcher may take
	KindTaken    Kind = "taken"    // both ways, forwarded to the holder: bytes a fetcher took
	KindPace     Kind = "pace"     // endpoint -> server, how fast to send what the endpoint is downloading
	KindGoverned Kind = "governed" // endpoint -> server, what the holder saw and did in the last second
	KindStock    Kind = "stock"    // endpoint -> server, what the store holds and how much more it would take
	KindProgress Kind = "progress" // endpoint -> server, cumulative state of one flow
	KindExamine  Kind = "examine"  // server -> endpoint, asks what became of its link to a peer
	KindExamined Kind = "examined" // endpoint -> server, the answer
	KindReport   Kind = "report"   // endpoint -> server, a peer or the origin misbehaved
	KindAck      Kind = "ack"      // both ways, carries nothing but the acknowledgement
	KindError    Kind = "error"    // server -> endpoint, why the socket is about to close
)

// An Envelope is what one WebSocket message holds. ID counts the messages of a
// session from 1 in each direction; 0 stands for a message that is not repeated
// on resume (hello, welcome, ack, error). Ack is the highest ID received so far.
type Envelope struct {
	Kind Kind            `json:"type"`
	ID   uint64          `json:"id,omitempty"`
	Ack  uint64          `json:"ack,omitempty"`
	Body json.RawMessage `json:"body,omitempty"`
}

// Hello opens a socket. The token is in the HTTP request that made the socket;
// site and identity come from there and never from here.
type Hello struct {
	Version  int    `json:"version"`            // highest version spoken
	Session  string `json:"session,omitempty"`  // session to resume, if any
	Software string `json:"software,omitempty"` // for people: "sitecast 0.1.0 linux/amd64"
	Name     string `json:"name,omitempty"`     // host name
	Device   string `json:"device,omitempty"`   // DeviceAgent, DeviceKiosk, DeviceBrowser
	Battery  bool   `json:"battery,omitempty"`  // runs on battery now
	Wireless bool   `json:"wireless,omitempty"` // Wi-Fi is the path to its peers
	// Subnets are the prefixes of the endpoint's own addresses, for placing links, and for
	// finding out at which site it is. Aside are those of them that tell nothing of that: of
	// tunnels, and of networks inside the computer.
	Subnets []string `json:"subnets,omitempty"`
	Aside   []string `json:"aside,omitempty"`
	// Tunnelled says that the way to the server is a tunnel: the address under which the
	// endpoint is seen tells nothing of where it is, either.
	Tunnelled bool `json:"tunnelled,omitempty"`
	// Trust is the serial of the trust document held.
	Trust uint64 `json:"trust,omitempty"`
	// Generation is the desired state obeyed last.
	Generation uint64 `json:"generation,omitempty"`
	// Patches says that the endpoint takes chunks as patches to what it holds.
	Patches bool `json:"patches,omitempty"`
}

// Kinds of device in [Hello.Device].
const (
	DeviceAgent   = "agent"
	DeviceKiosk   = "kiosk"
	DeviceBrowser = "browser"
)

// Welcome answers Hello. Resumed says that the session lives on and unacked
// messages of both sides follow; otherwise the endpoint announces everything anew.
type Welcome struct {
	Version    int        `json:"version"`
	Session    string     `json:"session"`
	Resumed    bool       `json:"resumed,omitempty"`
	Epoch      uint64     `json:"epoch"`            // of the site's owner; fences leases
	Endpoint   EndpointID `json:"endpoint"`         // the name the server knows the endpoint by
	Site       string     `json:"site"`             // the site it was placed in; empty: in quarantine
	ServerTime time.Time  `json:"server_time"`      // for estimating server time
	Expires    time.Time  `json:"expires,omitzero"` // of the token in use, in server time
	ICE        []ICE      `json:"ice,omitempty"`
	// Quarantine says why there is no site: nothing is fetched, and nobody met.
	Quarantine string `json:"quarantine,omitempty"`
}

// ICE is one STUN or TURN server; credentials are short-lived (TURN REST).
type ICE struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username,omitempty"`
	Credential string   `json:"credential,omitempty"`
	// Place is where a relay stands; empty is beyond the WAN.
	Place Place `json:"place,omitempty"`
}

// Place is where a relay stands.
type Place string

// PlaceSite is at the endpoint's own site, so that what is relayed does not cross the
// WAN.
const PlaceSite Place = "site"

// Renew without a token asks for one; with a token it brings one.
type Renew struct {
	Token   string    `json:"token,omitempty"`
	Expires time.Time `json:"expires,omitzero"`
	ICE     []ICE     `json:"ice,omitempty"`
}

// Trust carries a root-signed trust document (a DSSE envelope).
type Trust struct {
	Document json.RawMessage `json:"document"`
}

// Priority orders flows: strict between classes, equal shares within one.
type Priority string

// The priorities, highest first.
const (
	High   Priority = "high"
	Normal Priority = "normal"
	Low    Priority = "low"
)

// Class ranks a priority; 0 is the highest.
func (p Priority) Class() int {
	switch p {
	case High:
		return 0
	case Low:
		return 2
	}
	return 1
}

// Flow is the desired state of one flow at the endpoint's site. It is sent
// whole whenever something in it changes, so it can be obeyed twice.
type Flow struct {
	Generation uint64            `json:"generation"`
	ID         content.VersionID `json:"id"`
	Head       json.RawMessage   `json:"head"` // the signed head (a DSSE envelope)
	Priority   Priority          `json:"priority"`
	Paused     bool              `json:"paused,omitempty"`
	PausedBy   string            `json:"paused_by,omitempty"` // the rule, in words
	// Superseded says that it is a copy of an older version which the site keeps: it comes
	// beside the newer one that is wanted, and never in its place.
	Superseded bool `json:"superseded,omitempty"`
	// Ahead says that it is a copy ahead of need: it comes before it is distributed to all,
	// and is not to be used until then.
	Ahead bool `json:"ahead,omitempty"`
	// Activate says that it is distributed, and when it is used from; nil: as soon as it is
	// there. Ahead is said as well, for agents that don't know of this.
	Activate *Activate `json:"activate,omitempty"`
	// Relay says whether peers that are reached only through a relay beyond the WAN shall
	// be asked for chunks. It counts while there is a socket.
	Relay Relay `json:"relay,omitempty"`
	// Retry is the generation in which an operator last wished that who failed to activate
	// it tries again; 0: never.
	Retry uint64 `json:"retry,omitempty"`
}

// Activate says when a version is used that an endpoint has.
type Activate struct {
	// Statement is the publisher's word on the instant (a DSSE envelope, see
	// [content.Instant]), which needs no server when it comes; absent: not before this
	// changes.
	Statement json.RawMessage `json:"statement,omitempty"`
}

// Relay says how relays beyond the WAN are used, and why. What an endpoint does not
// know is as if nothing was said.
type Relay string

// The uses of relays.
const (
	RelayByPatience  Relay = ""                   // when nothing came another way for a while
	RelayNever       Relay = "origin_cheaper"     // not at all
	RelayCheaper     Relay = "relay_cheaper"      // a fetch would take more of the line
	RelayUnreachable Relay = "origin_unreachable" // there is no other way
)

// Flows closes a generation: a flow that is not listed is no longer wanted. Pins and
// Purges say what else the endpoint shall keep, and what it shall delete; a page is told of the
// blocks that stand on what its token names, and of nothing else.
type Flows struct {
	Generation uint64              `json:"generation"`
	IDs        []content.VersionID `json:"ids"`
	Pins       []Pin               `json:"pins,omitempty"`
	Purges     []Purge             `json:"purges,omitempty"`
	// Copies tells of versions that other endpoints shall hold and this one does not
	// need.
	Copies []Copies `json:"copies,omitempty"`
	// PeersOn are the networks that links may go over.
	PeersOn Networks `json:"peers_on,omitempty"`
	// Zone is the site's time zone by its name in the IANA database; empty: it has none.
	Zone string `json:"zone,omitempty"`
	// Limits are what operators set for the endpoint.
	Limits Limits `json:"limits,omitzero"`
	// ReportMs is how often, at most, an endpoint says what it got that fetches nothing; 0:
	// once a second. Where tens of thousands get something at once their reports alone keep
	// a server busy.
	ReportMs int64 `json:"report_ms,omitempty"`
}

// Copies says how many endpoints of the site hold a version besides this one: what it
// holds of it, it deletes only while there are enough.
type Copies struct {
	ID     content.VersionID `json:"id"`
	Target int               `json:"target"` // how many the site shall have
	Others int               `json:"others"` // has, on endpoints that are usually on
	// Elsewhere says that others have room for more.
	Elsewhere bool `json:"elsewhere,omitempty"`
	// Superseded says that no distribution needs the version any more: the site keeps
	// copies of it while it has room.
	Superseded bool `json:"superseded,omitempty"`
}

// Stock says what an endpoint's store holds. It is sent in each session, and when it
// changed.
type Stock struct {
	Room int64 `json:"room"`           // bytes of versions that it would admit
	Free int64 `json:"free,omitempty"` // of them, without evicting anything for it
	// Used is what its versions take, and Budget what they may take in all, in bytes. A
	// Budget of 0 is not known.
	Used   int64               `json:"used,omitempty"`
	Budget int64               `json:"budget,omitempty"`
	Holds  []content.VersionID `json:"holds,omitempty"` // complete ones
	// Spare names versions of which the store holds anything and that no flow needs. Of
	// more than MaxKeeping it names the next ones every minute, so that a purge of any of
	// them finds it.
	Spare []Spare `json:"spare,omitempty"`
	// Activation says which version of a content a kiosk uses; nil: it is none.
	Activation *Activation `json:"activation,omitempty"`
}

// Spare is a version that no flow needs.
type Spare struct {
	Content string `json:"content"`
	Version string `json:"version"`
	Serial  uint64 `json:"serial"`
}

// Pin keeps a version of a content that is held, or (Version is empty) every one.
type Pin struct {
	Content string    `json:"content"`
	Version string    `json:"version,omitempty"`
	Until   time.Time `json:"until,omitzero"` // in server time; zero: until it is not listed
}

// Purge deletes a version of a content, or (Version is empty) every one up to a
// serial. What a flow needs and what is pinned stays. An endpoint is told the purges
// of what it says to have spare, and the newest.
type Purge struct {
	Content string `json:"content"`
	Version string `json:"version,omitempty"`
	Serial  uint64 `json:"serial"`
	Why     string `json:"why,omitempty"` // who wants it, in words
	// Block says that it stands: also what is used, pinned or the last copy goes, at once,
	// and is not used meanwhile.
	Block bool `json:"block,omitempty"`
}

// Covers reports whether a purge is of a version.
func (p Purge) Covers(v Spare) bool {
	return p.Content == v.Content && v.Serial <= p.Serial && (p.Version == "" || p.Version == v.Version)
}

// Obeyed reports the generation that the endpoint now obeys: of what it blocks the store
// holds nothing any more.
type Obeyed struct {
	Generation uint64 `json:"generation"`
}

// Dial asks for a link to Peer. One side gets Offer and speaks first; the other
// side gets no Dial and answers. Attempt counts from 1; from the second on both
// sides also use the relay, so that links inside a LAN cost the WAN nothing.
type Dial struct {
	Peer    EndpointID `json:"peer"`
	Attempt int        `json:"attempt"`
	Visitor *Visitor   `json:"visitor,omitempty"` // what Peer takes part in
}

// Visitor says that an endpoint takes part in some flows only, as browsers do: it is told
// of no other by its peers, and gets nothing of it. Absent it stands for all.
type Visitor struct {
	Flows []content.VersionID `json:"flows"`
}

// Visiting says that the flows changed in which a peer takes part that is a visitor.
type Visiting struct {
	Peer  EndpointID          `json:"peer"`
	Flows []content.VersionID `json:"flows"`
}

// HangUp asks to close the link to Peer.
type HangUp struct {
	Peer EndpointID `json:"peer"`
}

// Signal is one step in making a link. The server overwrites From with the
// sender it authenticated, and Visitor with what it may take part in, and forwards the
// rest only within the site.
type Signal struct {
	From    EndpointID `json:"from,omitempty"`
	To      EndpointID `json:"to"`
	Link    string     `json:"link"` // made by the offerer, the same in every signal of one attempt
	Attempt int        `json:"attempt,omitempty"`
	// Direct says that the link shall take the place of a relayed one that is up, and be
	// direct itself; the old one stays until then.
	Direct bool `json:"direct,omitempty"`
	// Visitor is what From takes part in, beside an offer or answer.
	Visitor *Visitor `json:"visitor,omitempty"`
	// Exactly one of the following.
	Offer     *Description `json:"offer,omitempty"`
	Answer    *Description `json:"answer,omitempty"`
	Candidate string       `json:"candidate,omitempty"`
	Refused   string       `json:"refused,omitempty"` // why there will be no link
}

// Description is a session description with the statement that binds it to its
// author.
type Description struct {
	SDP       string    `json:"sdp"`
	Statement Statement `json:"statement"`
}

// Linked reports that the link to Peer came up or went down.
type Linked struct {
	Peer    EndpointID `json:"peer"`
	Attempt int        `json:"attempt,omitempty"`
	Up      bool       `json:"up"`
	Relayed bool       `json:"relayed,omitempty"`
	Reason  string     `json:"reason,omitempty"`
}

// Progress is the cumulative state of one flow at the endpoint. Have holds the
// parts of the bitmap that changed since the endpoint's last progress in this
// session, whole bytes each; the first progress of a session holds all of it.
type Progress struct {
	Flow     content.VersionID `json:"flow"`
	Body     bool              `json:"body,omitempty"`     // the body is held
	Seeding  bool              `json:"seeding,omitempty"`  // more may be found in what else the endpoint holds
	Have     []Bits            `json:"have,omitempty"`     // chunks held, changed bytes of the bitmap
	Complete bool              `json:"complete,omitempty"` // verified, durable and visible
	Bytes    Sources           `json:"bytes"`              // content bytes by source
	WAN      int64             `json:"wan_bytes"`          // bytes from the origin as they crossed, encoded
	Error    string            `json:"error,omitempty"`    // why it can't go on, for a person
	Code     string            `json:"code,omitempty"`     // the same, stable, for programs
	Leases   []LeaseState      `json:"leases,omitempty"`
	// Restraint says what of the flow the endpoint does without for now; nil: nothing.
	Restraint *Restraint `json:"restraint,omitempty"`
}

// Bits are bytes of a [content.Bitmap] from chunk From on (a multiple of 8).
type Bits struct {
	From uint32 `json:"from"`
	Bits []byte `json:"bits"`
}

// Sources are content bytes received, by where they came from. Counters only grow.
type Sources struct {
	Origin int64 `json:"origin"`
	Peer   int64 `json:"peer"`
	Relay  int64 `json:"relay"`
	Reused int64 `json:"reused"`
}

// Total is the sum over all sources.
func (s Sources) Total() int64 { return s.Origin + s.Peer + s.Relay + s.Reused }

// Report tells of misbehaviour, for the audit log and for choosing links.
type Report struct {
	Peer   EndpointID        `json:"peer,omitempty"` // empty: the origin
	Flow   content.VersionID `json:"flow"`
	Code   string            `json:"code"`
	Detail string            `json:"detail,omitempty"`
}

// Codes in [Report.Code], [Progress.Code] and [Error.Code].
const (
	CodeBadChunk     = "bad_chunk"     // bytes that do not match their digest
	CodeBadBody      = "bad_body"      // a body that is not what the head names
	CodeBadHead      = "bad_head"      // a head nobody trusted signed
	CodeBadInstant   = "bad_instant"   // an instant of activation nobody trusted signed, or of something else
	CodeProtocol     = "protocol"      // a message that breaks the rules
	CodeStatement    = "statement"     // a link whose author could not be proved
	CodeDiskFull     = "disk_full"     // no room for the version
	CodeUnsafePath   = "unsafe_path"   // a path that may not be written
	CodeStore        = "store"         // the store could not be written or read
	CodeOrigin       = "origin"        // the origin could not be reached or refused
	CodeUnauthorized = "unauthorized"  // no valid token
	CodeWrongOrigin  = "wrong_origin"  // a token for pages of another web origin
	CodeTooLarge     = "too_large"     // over a limit
	CodeUnknownType  = "unknown_type"  // a message type this build does not know
	CodeReplaced     = "replaced"      // the endpoint connected again elsewhere
	CodeMoved        = "moved"         // the endpoint is at another site by now; reconnect
	CodeOverloaded   = "overloaded"    // the receiver can't keep up
	CodeShuttingDown = "shutting_down" // the server is going away; reconnect
)

// Error says why the socket is about to close.
type Error struct {
	Code   string `json:"code"`
	Detail string `json:"detail,omitempty"`
}
