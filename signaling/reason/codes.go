package reason

// The codes of flows, and of endpoints in them.
const (
	Complete Code = "complete"

	// Somebody wants it so, or has to see to it.
	Paused           Code = "paused"
	PublisherRevoked Code = "publisher_revoked"
	Halted           Code = "halted"
	Superseded       Code = "superseded"
	Purged           Code = "purged"
	Ended            Code = "ended"

	// Nobody is there to have it, or who is can't.
	NoEndpointOnline Code = "no_endpoint_online"
	NoRoomForCopy    Code = "no_room_for_copy"
	DiskFull         Code = "disk_full"
	StoreFailing     Code = "store_failing"
	Untrusted        Code = "untrusted"
	UnsafePath       Code = "unsafe_path"
	EndpointFailed   Code = "endpoint_failed"

	// The WAN may not be used now.
	Capped        Code = "capped_to_nothing"
	FlowCapped    Code = "flow_capped_to_nothing"
	HourClosed    Code = "hour_closed"
	WindowClosed  Code = "window_closed"
	FlowWindow    Code = "flow_window_closed"
	AwaitsPart    Code = "awaits_part"
	AllowanceUsed Code = "allowance_used"

	// It is waited for something that saves the WAN.
	ServerHearing    Code = "server_hearing"
	HearingEndpoints Code = "hearing_endpoints"
	HeldOff          Code = "held_off"
	Seeking          Code = "seeking"
	PatchesDue       Code = "patches_due"

	// It lies at a vendor's URL, or begins later.
	VendorChanged  Code = "vendor_changed"
	VendorChecking Code = "vendor_checking"
	VendorFailing  Code = "vendor_failing"
	VendorNoAgent  Code = "vendor_no_agent"
	NotBefore      Code = "not_before"

	// It is waited for a turn, or for who may fetch.
	Queued         Code = "queued"
	TakingTurns    Code = "taking_turns"
	AtItsCap       Code = "at_its_cap"
	NobodyMayFetch Code = "nobody_may_fetch"
	UsersHold      Code = "users_hold"
	OriginFailing  Code = "origin_failing"
	WaitingOrigin  Code = "waiting_for_origin"
	WaitingFetcher Code = "waiting_for_fetcher"
	WaitingPeers   Code = "waiting_for_peers"
	PeersSilent    Code = "peers_silent"
	Yielding       Code = "yielding"

	// Bytes come.
	FromOrigin         Code = "from_origin"
	OriginHolderSilent Code = "origin_holder_silent"
	SeveralGroups      Code = "several_groups"
	FromPeers          Code = "from_peers"
	RelayUnreachable   Code = "relay_origin_unreachable"
	RelayCheaper       Code = "relay_cheaper"
	RelayUDPBlocked    Code = "relay_udp_blocked"
	Reused             Code = "reused"
	CopyMade           Code = "copy_made"

	// Beside all that, of flows that shall be complete by a time.
	DeadlineAtRisk Code = "deadline_at_risk"
	DeadlineMissed Code = "deadline_missed"
	DeadlineSafe   Code = "deadline_safe"

	// Only of endpoints in a flow.
	NotHeard   Code = "not_heard"
	Linking    Code = "linking"
	NoLink     Code = "no_link"
	PausedHere Code = "paused_here"
	Allowance  Code = "own_allowance_used"
	Metered    Code = "metered"
	Tunnelled  Code = "tunnelled"
	BatteryLow Code = "battery_low"
	Restrained Code = "restrained"
	NotMeant   Code = "not_meant"

	// Of endpoints as a whole, and of those in a flow that left.
	Online      Code = "online"
	Offline     Code = "offline"
	Quarantined Code = "quarantined"
	Revoked     Code = "revoked"
)

// meaning is a row of the table.
type meaning struct {
	is Kind
	// says is the sentence. {who}, {what}, {n}, {span} (n in seconds), {until} and {at} stand for what a reason is
	// about; see [Reason.fill] for brackets.
	says string
	// do is what somebody could do; {site}, {flow} and {endpoint} stand for what it is told of.
	do string
	// loose says that it is the same reason still when what it is about changes.
	loose bool
}

const (
	doDoctor = "[sitecast doctor pair --site {site} {endpoint} {who}|sitecast doctor pair --site {site}, with two of its endpoints,] says what stands between them."
	doUncap  = "sitecast cap --site {site} --content {flow} --wan none ends that, or says which command does."
	doAgent  = "its user decides; the agent's page at that computer says what holds."
)

// meanings is the table of all codes.
var meanings = map[Code]meaning{
	Complete: {is: Done, says: "complete"},

	Paused:           {is: Stopped, says: "paused[ until {until}][: {what}]", do: "sitecast resume --site {site}, or --content, as it was paused."},
	PublisherRevoked: {is: Stopped, says: "paused: {what}", do: "sign it with another key: sitecast resign {flow}"},
	Halted:           {is: Stopped, says: "halted: {what}", do: "look for an endpoint whose disk forgets, or that lies (sitecast endpoints --site {site}), then sitecast resume --site {site} --content {flow}"},
	Superseded:       {is: Done, says: "superseded[ by {what}]"},
	Purged:           {is: Done, says: "purged[: {what}]"},
	Ended:            {is: Done, says: "no longer distributed to the site"},

	NoEndpointOnline: {is: Stopped, says: "no endpoint of the site is online", do: "see that its endpoints are on and their agents run: sitecast endpoints --site {site} says when each was seen last."},
	NoRoomForCopy:    {is: Stopped, says: "no endpoint that is online has room for a copy ahead of need", do: "make room on their disks, or ask for fewer copies."},
	DiskFull:         {is: Stopped, says: "[{who}: ]{what}", do: "make room there, purge what is not needed (sitecast purge), or let its store have more (sitecast set --site {site} cache_quota=SIZE)."},
	StoreFailing:     {is: Stopped, says: "the disk can't be written or read[ at {who}][: {what}]", do: "look at the disk; it is tried again by itself every half minute."},
	Untrusted:        {is: Stopped, says: "not trusted[ by {who}][: {what}]", do: "see who signed it: sitecast publisher list"},
	UnsafePath:       {is: Stopped, says: "a path in it may not be written[ at {who}][: {what}]", do: "publish it without that path."},
	EndpointFailed:   {is: Stopped, says: "can't go on[ at {who}][: {what}]", do: "sitecast doctor, run at that endpoint, says more."},

	Capped:        {is: Stopped, says: "nothing may go over the WAN: its cap is 0", do: "sitecast cap --site {site} --wan RATE, or none"},
	FlowCapped:    {is: Stopped, says: "nothing of it may go over the WAN: its cap is 0[ ({what})]", do: doUncap},
	HourClosed:    {is: Waiting, says: "waiting, as nothing may go over the WAN in this hour[ until {until}|, and there is no other]", do: "to have it sooner, allow more in this hour: sitecast policy explain --site {site} says where that is set."},
	WindowClosed:  {is: Waiting, says: "waiting for window[ until {until}|, and there is no other]", do: "to have it sooner, widen the window: sitecast policy explain --site {site} says where it is set."},
	FlowWindow:    {is: Waiting, says: "waiting for the window of its distribution[ until {until}|, and there is no other in which the site is open]", do: "to have it sooner, order it without a window: sitecast distribute {flow} --site {site}"},
	AwaitsPart:    {is: Waiting, says: "waiting for its part of what all sites may take over the WAN together", do: "sitecast cap --everywhere --together --wan RATE, or none"},
	AllowanceUsed: {is: Waiting, says: "the site took the {what}: waiting for the next month, or for a higher monthly_allowance", do: "sitecast set --site {site} monthly_allowance=SIZE"},

	ServerHearing:    {is: Waiting, says: "the server has just begun, and hears[ until {at}] what endpoints hold and fetch"},
	HearingEndpoints: {is: Waiting, says: "hearing what endpoints hold of it"},
	HeldOff:          {is: Waiting, says: "waiting[ until {at}] for a peer that holds it", do: "switch on an endpoint that holds it, or wait less: sitecast set --site {site} hold_off=0s"},
	Seeking:          {is: Waiting, says: "waiting for {who} to find what it holds of it in other versions"},
	PatchesDue:       {is: Waiting, says: "waiting[ until {at}] for patches to what is held of the version before"},

	VendorChanged:  {is: Stopped, says: "the vendor's file changed since it was published[: {what}]", do: "publish it again."},
	VendorChecking: {is: Waiting, says: "the server checks whether the vendor's file changed[: {what}]", loose: true},
	VendorFailing:  {is: Waiting, says: "fetching from the vendor failed[: {what}]", loose: true, do: "see that the vendor's URL can be reached from the site."},
	VendorNoAgent:  {is: Waiting, says: "its bytes lie at a vendor's URL, which no page may fetch from: waiting for an agent at the site", do: "switch on an agent that takes part."},
	NotBefore:      {is: Waiting, says: "does not begin before {until}"},

	Queued:         {is: Waiting, says: "queued behind {what}, which has a higher priority", do: "sitecast prioritize {flow} --site {site} --priority high"},
	TakingTurns:    {is: Waiting, says: "takes turns with {what}, and is not at its turn", do: "sitecast prioritize {flow} --site {site} --priority high"},
	AtItsCap:       {is: Waiting, says: "waiting, as it took what its cap allows until now[: {what}]", do: doUncap},
	NobodyMayFetch: {is: Waiting, says: "nobody that is online may fetch it: {what}", do: "switch on an endpoint that may; high priority goes past a tunnel and a battery (sitecast prioritize)."},
	UsersHold:      {is: Waiting, says: "all who lack it hold back: {what}", do: doAgent},
	OriginFailing:  {is: Waiting, says: "the origin failed[ for {who}][: {what}][; it is asked again at {at} at the latest]", loose: true, do: "see that the server's public URL, or the bucket, can be reached from the site: sitecast doctor, run at that endpoint, climbs the rungs."},
	WaitingOrigin:  {is: Waiting, says: "[{who} asked|asked] the origin, and nothing came yet"},
	WaitingFetcher: {is: Waiting, says: "waiting for {who}, which fetches it from the origin"},
	WaitingPeers:   {is: Waiting, says: "peers hold what is lacking, and nothing came yet"},
	PeersSilent:    {is: Waiting, says: "peers say they hold what is lacking, and nothing comes", do: doDoctor},
	Yielding:       {is: Waiting, says: "stands back for other traffic[: {what}]", loose: true},

	FromOrigin:         {is: Moving, says: "from the origin[ by {who}]: no holder at the site[ for {span}]"},
	OriginHolderSilent: {is: Moving, says: "from the origin[ by {who}]: nobody gets what {what} says it holds", do: "look at the disk and the links of {what}."},
	SeveralGroups:      {is: Moving, says: "from the origin: its endpoints are in {n} groups that can't link with each other directly; each gets its own copy", loose: true, do: "let UDP pass between their subnets, or run a relay at the site (sitecast relay); " + doDoctor},
	FromPeers:          {is: Moving, says: "from peers"},
	RelayUnreachable:   {is: Moving, says: "through a relay beyond the WAN: the origin can't be reached", do: "sitecast doctor, run at an endpoint, says why the origin can't be reached."},
	RelayCheaper:       {is: Moving, says: "through a relay beyond the WAN, which takes less of the line than the origin does"},
	RelayUDPBlocked:    {is: Moving, says: "through a relay: no UDP passes[ between it and {who}]", do: doDoctor},
	Reused:             {is: Moving, says: "from what is held in other versions"},
	CopyMade:           {is: Moving, says: "superseded, and the site keeps {n} copies of it: one is made again over the LAN"},

	DeadlineAtRisk: {is: Waiting, says: "will be late for {until}[: {what}]", loose: true, do: "a higher priority (sitecast prioritize), a higher cap or a wider window helps; sitecast flows says when it is expected."},
	DeadlineMissed: {is: Waiting, says: "was to be complete by {until}[: {what}]", loose: true},
	DeadlineSafe:   {is: Waiting, says: "expected in time for {until}", loose: true},

	NotHeard:   {is: Waiting, says: "has not said yet what it holds of it"},
	Linking:    {is: Waiting, says: "no link yet: one with {who} is being made"},
	NoLink:     {is: Waiting, says: "no link to a peer that holds it[: {who} could not be reached][, tried again at {at}]", do: doDoctor},
	PausedHere: {is: Stopped, says: "{what}", do: doAgent},
	Allowance:  {is: Waiting, says: "{what}", do: "sitecast set --endpoint {endpoint} endpoint_allowance=SIZE, where an operator set it; else its own --wan-allowance."},
	Metered:    {is: Waiting, says: "{what}", do: "others of the site fetch for it; by itself it fetches on another network."},
	Tunnelled:  {is: Waiting, says: "{what}", do: "others of the site fetch for it; high priority goes past a tunnel (sitecast prioritize)."},
	BatteryLow: {is: Waiting, says: "{what}", do: "plug it in; high priority goes past a battery (sitecast prioritize)."},
	Restrained: {is: Waiting, says: "{what}", do: doAgent},
	NotMeant:   {is: Done, says: "need not have it: copies are on other endpoints"},

	Online:      {is: Moving, says: "online[ at {what}]"},
	Offline:     {is: Stopped, says: "offline", do: "see that it is on and its agent runs; sitecast doctor there says by which way it reaches the server."},
	Quarantined: {is: Stopped, says: "in quarantine: {what}", do: "sitecast endpoints --quarantined lists the networks in question, and the command that settles each."},
	Revoked:     {is: Stopped, says: "revoked: {what}", do: "to let it in again, put a new token into its token file and start its agent anew."},
}
