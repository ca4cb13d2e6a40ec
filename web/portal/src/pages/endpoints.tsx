// Everybody who enrolled. What is online is as of the last look.

import { Link, useSearchParams } from 'wouter'
import { rows, useAsked, type Schemas } from '../api.ts'
import { ago, count } from '../format.ts'
import { useNow } from '../now.ts'
import { Answer } from '../parts/bits.tsx'
import { Quarantine } from '../parts/quarantine.tsx'
import { Table, type Column } from '../parts/table.tsx'
import { text } from '../text.ts'

const most = 2000
const words = text.endpoint.list

type Endpoint = Schemas['EndpointView']

function standing(e: Endpoint, now: number): string {
  if (e.revoked) return text.endpoints.revoked
  if (e.quarantined) return text.endpoints.quarantined
  return e.online ? text.endpoints.yes : ago(e.last_seen, now)
}

const columns = (now: number): Column<Endpoint>[] => [
  { id: 'name', title: text.columns.name, cell: (e) => <Link href={`/endpoints/${encodeURIComponent(e.id)}`} title={e.id}>{e.name || e.id}</Link> },
  { id: 'site', title: text.columns.site, cell: (e) => (e.site ? <Link href={`/sites/${encodeURIComponent(e.site)}`}>{e.site}</Link> : '–') },
  { id: 'kind', title: text.columns.kind, cell: (e) => e.kind },
  { id: 'seen', title: text.columns.seen, cell: (e) => <><span className={`dot ${e.quarantined ? 'held' : e.online ? 'live' : ''}`} aria-hidden="true" /> {standing(e, now)}</> },
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
  const query = Object.fromEntries(['text', 'kind', 'online', 'site', 'version', 'standing'].flatMap((name) => (at(name) === '' ? [] : [[name, at(name)]])))
  const sites = useAsked('endpoint sites', () => rows('/api/v1/sites', {}, 5000))
  const names = (sites.data?.rows ?? []).map((s) => s.name)
  const narrowed = Object.keys(query).length > 0
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
        <label>{words.standing}<select value={at('standing')} onChange={(e) => set('standing', e.target.value)}>
          <option value="">{words.anyStanding}</option>
          {Object.entries(words.standings).map(([value, name]) => <option key={value} value={value}>{name}</option>)}
        </select></label>
        <label>{words.site}<input type="search" className="short" defaultValue={at('site')} placeholder={words.anySite} list="endpoint-sites"
          onChange={({ target: { value } }) => { if (value === '' || names.includes(value)) set('site', value) }} /></label>
        <datalist id="endpoint-sites">{names.map((name) => <option key={name} value={name} />)}</datalist>
        <label>{words.version}<input type="search" className="short" value={at('version')} onChange={(e) => set('version', e.target.value)} /></label>
        {asked.data && <span className="soft" role="status">{count(asked.data.rows.length)}</span>}
      </div>
      <Quarantine />
      <Answer asked={asked}>
        {({ rows: list, more }) => (
          <>
            {more && <p className="soft">{text.table.more(list.length)}</p>}
            <Table label={text.endpoints.title} rows={list} columns={columns(now)} rowKey={(e) => `${e.site}/${e.id}`} 
              empty={narrowed ? text.endpoints.none : <>{words.noneYet} <Link href="/enrolment">{words.toEnrolment}</Link></>} />
          </>
        )}
      </Answer>
    </>
  )
}
