// Everybody who enrolled. What is online is as of the last look.

import { Link, useSearchParams } from 'wouter'
import { rows, useAsked, type Schemas } from '../api.ts'
import { ago, count } from '../format.ts'
import { useNow } from '../now.ts'
import { Answer } from '../parts/bits.tsx'
import { Table, type Column } from '../parts/table.tsx'
import { text } from '../text.ts'

const most = 2000

type Endpoint = Schemas['EndpointView']

function standing(e: Endpoint, now: number): string {
  if (e.revoked) return text.endpoints.revoked
  if (e.quarantined) return text.endpoints.quarantined
  return e.online ? text.endpoints.yes : ago(e.last_seen, now)
}

const columns = (now: number): Column<Endpoint>[] => [
  { id: 'name', title: text.columns.name, cell: (e) => <span title={e.id}>{e.name}</span> },
  { id: 'site', title: text.columns.site, cell: (e) => (e.site ? <Link href={`/sites/${encodeURIComponent(e.site)}`}>{e.site}</Link> : '–') },
  { id: 'kind', title: text.columns.kind, cell: (e) => e.kind },
  { id: 'seen', title: text.columns.seen, cell: (e) => <><span className={`dot ${e.online ? 'live' : ''}`} aria-hidden="true" /> {standing(e, now)}</> },
  { id: 'agent', title: text.columns.agent, cell: (e) => e.version, extra: true },
  { id: 'address', title: text.columns.address, cell: (e) => e.address, extra: true },
  { id: 'holds', title: text.columns.holds, cell: (e) => <span className="why" title={(e.holds ?? []).join(', ')}>{(e.holds ?? []).join(', ')}</span>, extra: true, width: '28%' },
]

export default function Endpoints() {
  const [search, setSearch] = useSearchParams()
  const now = useNow()
  const at = (name: string) => search.get(name) ?? ''
  const set = (name: string, value: string) => setSearch((was) => {
    const next = new URLSearchParams(was)
    value === '' ? next.delete(name) : next.set(name, value)
    return next
  }, { replace: true })
  const query = Object.fromEntries(['text', 'kind', 'online'].flatMap((name) => (at(name) === '' ? [] : [[name, at(name)]])))
  const asked = useAsked(`endpoints ${JSON.stringify(query)}`, () => rows('/api/v1/endpoints', query, most))
  return (
    <>
      <div className="heading"><h1>{text.endpoints.title}</h1></div>
      <div className="filters" role="search">
        <input type="search" value={at('text')} placeholder={text.endpoints.search} aria-label={text.endpoints.search} onChange={(e) => set('text', e.target.value)} />
        <label>{text.endpoints.kind}<select value={at('kind')} onChange={(e) => set('kind', e.target.value)}>
          <option value="">{text.endpoints.anyKind}</option>
          {['agent', 'kiosk', 'browser'].map((kind) => <option key={kind}>{kind}</option>)}
        </select></label>
        <label>{text.endpoints.online}<select value={at('online')} onChange={(e) => set('online', e.target.value)}>
          <option value="">{text.endpoints.any}</option>
          <option value="true">{text.endpoints.on}</option>
          <option value="false">{text.endpoints.off}</option>
        </select></label>
        {asked.data && <span className="soft" role="status">{count(asked.data.rows.length)}</span>}
      </div>
      <Answer asked={asked}>
        {({ rows: list, more }) => (
          <>
            {more && <p className="soft">{text.table.more(list.length)}</p>}
            <Table label={text.endpoints.title} rows={list} columns={columns(now)} rowKey={(e) => `${e.site}/${e.id}`} empty={text.endpoints.none} />
          </>
        )}
      </Answer>
    </>
  )
}
