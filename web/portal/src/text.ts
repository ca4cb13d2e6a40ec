// Every word that the portal says, in one place: another language is another such file.

const plural = (n: number, one: string, many: string): string => `${n.toLocaleString('en')} ${n === 1 ? one : many}`

export const text = {
  product: 'Sitecast',
  nav: {
    label: 'Main', overview: 'Overview', flows: 'Flows', sites: 'Sites', endpoints: 'Endpoints', contents: 'Contents', enrolment: 'Enrolment', access: 'Access', audit: 'Audit log',
    account: 'Your account', skip: 'Skip to content', find: 'Find a site, content or page',
  },
  link: {
    connecting: 'Connecting …', live: 'Live', stale: 'Not up to date: the server does not answer. Trying again.', refused: 'The server refused',
    held: 'Held', hold: 'Hold updates', release: 'Go on',
  },
  table: { selectAll: 'Select all', select: (what: string): string => `Select ${what}`, more: (n: number): string => `The first ${plural(n, 'row', 'rows')}: narrow the search to see others.` },
  error: { title: 'That did not work', again: 'Try again' },
  loading: 'Loading …',
  overview: {
    title: 'Overview',
    wan: 'Over the WAN', peers: 'Among peers', share: 'of it stays at the sites', flows: 'Flows that move', online: 'Endpoints online', of: (n: string): string => `of ${n}`,
    rates: 'Rates of the last minutes', time: 'Time', asTable: 'Show as a table', asChart: 'Show as a chart',
    attention: 'Wants attention', nothing: 'Nothing. Every flow is on its way or done.', more: (n: number): string => `and ${plural(n, 'more thing', 'more things')}`,
    events: 'What was done last', noEvents: 'Nothing was changed yet.',
    first: 'Nothing is here yet',
    firstSteps: [
      ['Create a site', 'sitecast site create shop-12'],
      ['Make a token and start an agent with it', 'sitecast enrol --site shop-12 > shop-12.token'],
      ['Publish something', 'sitecast publish ./app --name app --version 1.0'],
      ['Order it to the site', 'sitecast distribute app@1.0 --site shop-12 --wait'],
    ] as const,
  },
  flows: {
    title: 'Flows', search: 'Search site, content or version', state: 'State', anyState: 'Any state', group: 'Group', groups: { flat: 'Each flow', site: 'By site', content: 'By content' },
    shown: (n: number, all: number): string => n === all ? plural(n, 'flow', 'flows') : `${n.toLocaleString('en')} of ${plural(all, 'flow', 'flows')}`,
    none: 'No flow matches. Change the search, or clear the filters.', noneYet: 'No version was ordered to a site yet: sitecast distribute NAME@VERSION --site SITE',
    selected: (n: number): string => plural(n, 'flow selected', 'flows selected'),
    pause: 'Pause', resume: 'Resume', priority: 'Priority', clear: 'Clear',
    asked: (what: string, n: number): string => `${what}: asked for ${plural(n, 'flow', 'flows')} …`,
    done: (what: string, ms: number): string => `${what}: in effect after ${(ms / 1000).toFixed(1)} s`,
    slow: (what: string, n: number): string => `${what}: ${plural(n, 'flow has', 'flows have')} not followed yet. The server keeps at it; endpoints that are offline obey on return.`,
    proposal: 'Waits until somebody else approves it',
  },
  states: { waiting: 'Waiting', running: 'Running', paused: 'Paused', complete: 'Complete', failed: 'Failed', halted: 'Halted' } as Record<string, string>,
  columns: {
    site: 'Site', content: 'Content', version: 'Version', state: 'State', progress: 'Progress', endpoints: 'Endpoints', wan: 'WAN', peers: 'Peers', eta: 'Left', priority: 'Priority', why: 'Why',
    name: 'Name', kind: 'Kind', online: 'Online', seen: 'Last seen', holds: 'Holds', address: 'Address', agent: 'Agent', health: 'Health', links: 'Links',
    created: 'Created', size: 'Size', newest: 'Newest', versions: 'Versions', serial: 'Serial', chunks: 'Chunks',
    cap: 'Cap', zone: 'Time zone', networks: 'Networks', flows: 'Flows', attention: 'Attention',
    at: 'When', by: 'Who', action: 'What', target: 'On', detail: 'Detail',
  },
  sources: { origin: 'from the origin', peer: 'from peers', relay: 'relayed', reused: 'was there' },
  priorities: { high: 'High', normal: 'Normal', low: 'Low' } as Record<string, string>,
  sites: { title: 'Sites', search: 'Name begins with', none: 'No site has such a name.', noneYet: 'There is no site yet: sitecast site create NAME', noCap: 'none' },
  site: {
    flows: 'Flows', lines: 'Lines to the WAN', endpoints: 'Endpoints online', settings: 'What holds here, and who says so',
    rate: 'takes', bound: 'at most', capacity: 'the line carries about', line: 'The site’s line', noLine: 'Nothing crossed a line since the server started.',
    noEndpoints: 'Nobody is online. Endpoints enrol with a token: sitecast enrol --site', noFlows: 'Nothing was ordered to this site.',
    setting: 'Setting', value: 'Value', level: 'Said by', standard: 'default', month: (bytes: string, month: string): string => `${bytes} over the WAN in ${month}`,
  },
  endpoints: {
    title: 'Endpoints', search: 'Name or id', kind: 'Kind', anyKind: 'Any kind', online: 'Online', any: 'All', on: 'Online', off: 'Offline',
    none: 'No endpoint matches.', yes: 'online', revoked: 'revoked', quarantined: 'in quarantine',
  },
  contents: { title: 'Contents', search: 'Name begins with', none: 'No content has such a name.', noneYet: 'Nothing was published yet: sitecast publish PATH --name NAME --version VERSION' },
  content: { versions: 'Versions', distributions: 'Ordered to', all: 'all sites', sites: (n: number): string => plural(n, 'site', 'sites'), flows: 'Flows', noDistributions: 'It was not ordered to anybody.', readyBy: 'ready by', preStage: (n: number): string => `${plural(n, 'copy', 'copies')} ahead of need` },
  audit: { title: 'Audit log', search: 'Search target or detail', none: 'No entry matches.', before: 'Before', after: 'After', change: 'What changed', close: 'Close' },
  copy: { copy: 'Copy', done: 'Copied' },
  sure: { yes: (what: string): string => `${what}: yes`, no: 'No' },
  enrolment: {
    title: 'Enrolment', what: 'An endpoint enrols once, with a token. From then on it proves itself with a key of its own.',
    make: 'Make a token', button: 'Make the token', uses: 'Endpoints', usesHint: 'how many may enrol with it', hours: 'Good for hours', roaming: 'They move between sites: where they are is told by their networks',
    made: (site: string): string => `Token for ${site}`, once: (when: string): string => `It is shown this once. Keep it in a file on each endpoint; it is good until ${when}.`,
    token: 'The token', run: 'Then, beside that file', system: 'Kind of endpoint', systems: { linux: 'Linux', windows: 'Windows', kiosk: 'Kiosk', try: 'To try it' },
  },
  access: {
    title: 'Access', what: 'A viewer sees, an operator also publishes, distributes and controls, an admin also decides who belongs.',
    operators: 'People', tokens: 'API tokens', role: 'Role', roles: { viewer: 'Viewer', operator: 'Operator', admin: 'Admin' }, all: 'all', sitesHint: 'names, with commas; none: all sites, also later ones',
    last: 'Last log-in', used: 'Last used', expires: 'Ends', never: 'never', actions: 'Actions', remove: 'Remove', revoke: 'Revoke', none: 'There is nobody yet.',
    invite: 'Invite somebody', inviteButton: 'Make the link', link: (name: string): string => `For ${name}: works once, for 24 hours`,
    make: 'Make a token', makeButton: 'Make the token', days: 'Good for days', daysHint: '0: until it is revoked', secret: (name: string): string => `Token ${name}: shown this once`,
  },
  palette: { none: 'Nothing has such a name.', hint: 'Enter opens, Escape closes' },
  notFound: 'There is no such page.',
} as const
