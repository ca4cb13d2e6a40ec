// What a change of 15,000 flows costs before anything is drawn:
//
//	cd web/portal && npx vitest bench --run

import { bench, describe } from 'vitest'
import { finder, grouped } from './flows.ts'
import { sorted } from './parts/table.tsx'
import { Rows, type Flow } from './stream.ts'

const flows: Flow[] = []
for (let site = 0; site < 5000; site++) {
  for (const content of ['till-app', 'price-list', 'signage']) {
    flows.push({
      id: '', site: `site-${String(site).padStart(4, '0')}`, content, version: '4.2', state: site % 3 === 0 ? 'complete' : 'running', priority: 'normal', paused_by: '', endpoints: 2, complete: 1, fetchers: [], groups: 1,
      bytes_origin: 10, bytes_peer: 10, bytes_relay: 0, bytes_reused: 0, bytes_total: 40, unique_bytes: 20, wan_bytes: 5, wan_bps: (site * 7919) % 5000, peer_bps: 300,
      eta_seconds: 3, ordered: '', seconds: 1, why: { code: 'from_peers', kind: 'moving', text: 'from peers', since: '' },
    })
  }
}
const columns = [
  { id: 'site', title: '', order: (f: Flow) => f.site, cell: () => null },
  { id: 'wan', title: '', order: (f: Flow) => f.wan_bps, cell: () => null },
]
const rows = new Rows<Flow>('flows')
rows.take({ link: 'live', set: flows })

describe('15,000 flows', () => {
  bench('a tenth is told anew', () => { rows.take({ link: 'live', set: flows.slice(0, 1500) }); rows.list() })
  bench('filter', () => { flows.filter(finder('till 4.2', 'running')) })
  bench('filter, with names made anew', () => { flows.filter((f) => f.state === 'running' && `${f.site} ${f.content}@${f.version}`.toLowerCase().includes('till')) })
  bench('sort by site', () => { sorted(flows, columns, { by: 'site', down: false }) })
  bench('sort by rate', () => { sorted(flows, columns, { by: 'wan', down: true }) })
  bench('group by site', () => { grouped(flows, 'site') })
})
