// One site: what moves there and between whom, its lines to the WAN, who is there, and what holds.

import { useMemo, useState } from 'react'
import { Link } from 'wouter'
import { api, body, useAsked, type Schemas } from '../api.ts'
import { ago, share, size } from '../format.ts'
import { endpointKey, flowKey, type Endpoint, type Flow } from '../live.ts'
import { useAt, useEndpointsAt, useFlowsAt } from '../looking.ts'
import { useNow } from '../now.ts'
import { Answer, Failure, Freshness } from '../parts/bits.tsx'
import { Controls } from '../parts/controls.tsx'
import { Scrubber } from '../parts/scrubber.tsx'
import { sorted, Table, type Column, type Sort } from '../parts/table.tsx'
import { useMay } from '../me.ts'
import { SwarmCard } from '../site/graph.tsx'
import { healthOf, type Health } from '../site/health.ts'
import { Hours } from '../site/hours.tsx'
import { Lines } from '../site/lines.tsx'
import { Strips } from '../site/strips.tsx'
import type { Member } from '../site/swarm.ts'
import { useSwarm } from '../site/use.ts'
import { text } from '../text.ts'
import { flowColumns } from './flows.tsx'

const columns = flowColumns.filter((c) => c.id !== 'site')

export default function Site({ name }: { name: string }) {
  const past = useAt()
  const flows = useFlowsAt(past, { site: name })
  const steers = useMay('operator') && past === undefined
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const [sort, setSort] = useState<Sort>({ by: 'content', down: false })
  const seen = useSwarm(name)
  const endpoints = useEndpointsAt(past, name)
  const members = useMemo(() => new Map(past === undefined ? (seen.swarm?.endpoints ?? []).map((e) => [e.id, e]) : []), [seen.swarm, past])
  const ill = useMemo(() => new Set(endpoints.rows.filter((e) => healthOf(e, members.get(e.id)).is === 'wrong').map((e) => e.id)), [endpoints.rows, members])
  const chosen: Flow[] = flows.rows.filter((f) => selected.has(flowKey(f)))
  return (
    <>
      <div className="heading"><h1>{name}</h1>{past === undefined && <Freshness link={flows.link} error={flows.error} />}</div>
      <Scrubber busy={flows.busy} />
      {flows.error ? <Failure error={flows.error} /> : (
        <>
          <section>
            <h2>{text.site.flows}</h2>
            <Controls chosen={past === undefined ? chosen : []} clear={() => setSelected(new Set())} />
            <Table label={text.site.flows} rows={sorted(flows.rows, columns, sort)} columns={columns} rowKey={flowKey} sort={sort} onSort={setSort}
              selected={steers ? selected : undefined} onSelect={steers ? setSelected : undefined} empty={flows.link === 'connecting' ? text.loading : past === undefined ? text.site.noFlows : text.travel.none} />
          </section>
          {past !== undefined ? <p className="soft">{text.travel.liveOnly}</p> : (
            <>
              <SwarmCard seen={seen} ill={ill} />
              <div className="columns">
                <Strips site={name} flows={flows.rows} />
                <Lines seen={seen} />
              </div>
            </>
          )}
          <Online site={name} endpoints={endpoints} members={members} />
          {past === undefined && <Policy site={name} />}
        </>
      )}
    </>
  )
}

/** What holds at the site: by the hour, and all of it. */
function Policy({ site }: { site: string }) {
  const asked = useAsked(`policy ${site}`, () => body(api.GET('/api/v1/policy', { params: { query: { site } } })))
  const [last, setLast] = useState<Schemas['Explained']>() // while it is asked again, what is being painted stays
  if (asked.data !== undefined && asked.data !== last) setLast(asked.data)
  return (
    <Answer asked={{ ...asked, data: asked.data ?? last }}>
      {(policy) => (
        <>
          <Hours site={site} policy={policy} again={asked.again} />
          <Holds policy={policy} />
        </>
      )}
    </Answer>
  )
}

function Holds({ policy }: { policy: Schemas['Explained'] }) {
  return (
    <section className="card">
      <h2>{text.site.settings}</h2>
      {policy.month && <p className="soft">{text.site.month(size(policy.month_bytes), policy.month)}</p>}
      <table className="plain">
        <thead><tr><th scope="col">{text.site.setting}</th><th scope="col">{text.site.value}</th><th scope="col">{text.site.level}</th></tr></thead>
        <tbody>
          {(policy.settings ?? []).map((s) => <tr key={s.key}><td>{s.key}</td><td>{s.value}</td><td className="soft">{s.level ? `${s.level} ${s.subject ?? ''}` : text.site.standard}</td></tr>)}
        </tbody>
      </table>
    </section>
  )
}

const endpointColumns = (now: number, members: ReadonlyMap<string, Member>): Column<Endpoint>[] => [
  { id: 'name', title: text.columns.name, order: (e) => e.name, cell: (e) => <Link href={`/endpoints/${encodeURIComponent(e.id)}`} title={e.id}>{e.name || e.id}</Link> },
  { id: 'kind', title: text.columns.kind, order: (e) => e.kind, cell: (e) => e.kind, extra: true },
  { id: 'health', title: text.columns.health, order: (e) => worst.indexOf(healthOf(e, members.get(e.id)).is), cell: (e) => <Well health={healthOf(e, members.get(e.id))} />, width: '24%' },
  { id: 'cache', title: text.swarm.cache, order: (e) => filled(members.get(e.id)), cell: (e) => <Fill of={members.get(e.id)} />, width: '14rem' },
  { id: 'links', title: text.columns.links, order: (e) => e.links, figure: true, cell: (e) => e.links },
  { id: 'holds', title: text.columns.holds, cell: (e) => <span className="why" title={(e.holds ?? []).join(', ')}>{(e.holds ?? []).join(', ')}</span>, extra: true, width: '20%' },
  { id: 'address', title: text.columns.address, cell: (e) => e.address, extra: true },
  { id: 'since', title: text.columns.online, order: (e) => e.since, cell: (e) => ago(e.since, now), extra: true },
]

/** In this order endpoints are sorted by how they are. */
const worst: Health['is'][] = ['wrong', 'warn', 'good']

function Well({ health }: { health: Health }) {
  const all = health.words.join('; ')
  return <span className={`health why ${health.is}`} title={all}><span aria-hidden="true">{health.is === 'good' ? '●' : health.is === 'warn' ? '▲' : '■'}</span> {all}</span>
}

const filled = (m?: Member): number => (m?.cache_budget_bytes ? (m.cache_used_bytes ?? 0) / m.cache_budget_bytes : -1)

/** How much of what its store may take it takes. */
function Fill({ of }: { of?: Member }) {
  const [used, budget] = [of?.cache_used_bytes, of?.cache_budget_bytes]
  if (used === undefined || budget === undefined) return <span className="soft">–</span>
  return (
    <span className="progress fill">
      <svg viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label={text.swarm.fillLabel(share(used, budget))}>
        <rect className="rest" width="100" height="6" />
        <rect className={used > 0.9 * budget ? 'origin' : 'peer'} width={Math.min((100 * used) / budget, 100)} height="6" />
      </svg>
      <span className="figure">{text.swarm.fill(size(used), size(budget))}</span>
    </span>
  )
}

function Online({ site, endpoints, members }: { site: string; endpoints: ReturnType<typeof useEndpointsAt>; members: ReadonlyMap<string, Member> }) {
  const past = useAt()
  const { rows: all, link } = endpoints
  const [sort, setSort] = useState<Sort>({ by: 'name', down: false })
  const now = useNow()
  const columns = endpointColumns(past ?? now, members)
  return (
    <section>
      <h2>{text.site.endpoints}</h2>
      <Table label={text.site.endpoints} rows={sorted(all, columns, sort)} columns={columns} rowKey={endpointKey} sort={sort} onSort={setSort}
        empty={link === 'connecting' ? text.loading : past !== undefined ? text.travel.none : <>{text.site.noEndpoints} {site}</>} />
    </section>
  )
}
