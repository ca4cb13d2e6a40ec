// One site: what moves there, its lines to the WAN, who is there, and what holds.

import { useState } from 'react'
import { api, body, rows, useAsked, usePolled } from '../api.ts'
import { ago, rate, size } from '../format.ts'
import { endpointKey, flowKey, type Endpoint, type Flow } from '../live.ts'
import { useAt, useEndpointsAt, useFlowsAt } from '../looking.ts'
import { useNow } from '../now.ts'
import { Answer, Failure, Freshness } from '../parts/bits.tsx'
import { Controls } from '../parts/controls.tsx'
import { Scrubber } from '../parts/scrubber.tsx'
import { sorted, Table, type Column, type Sort } from '../parts/table.tsx'
import { useMay } from '../me.ts'
import { text } from '../text.ts'
import { flowColumns } from './flows.tsx'

/** How often lines are asked for, in milliseconds. */
const linesEvery = 3000

const columns = flowColumns.filter((c) => c.id !== 'site')

export default function Site({ name }: { name: string }) {
  const past = useAt()
  const flows = useFlowsAt(past, { site: name })
  const steers = useMay('operator') && past === undefined
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const [sort, setSort] = useState<Sort>({ by: 'content', down: false })
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
            <div className="columns">
              <Lines site={name} />
              <Holds site={name} />
            </div>
          )}
          <Online site={name} />
        </>
      )}
    </>
  )
}

/** Rates of lines are not in the stream. */
function Lines({ site }: { site: string }) {
  const asked = usePolled(`lines ${site}`, linesEvery, () => rows('/api/v1/lines', { site }))
  return (
    <section className="card">
      <h2>{text.site.lines}</h2>
      <Answer asked={asked}>
        {({ rows: lines }) => lines.length === 0 ? <p className="soft">{text.site.noLine}</p> : (
          <ul className="list">
            {lines.map((l) => (
              <li key={l.egress}>
                <span><strong>{l.egress || text.site.line}</strong> {text.site.rate} {rate(l.rate_bps)}
                  {l.capacity_bps > 0 && <>, {text.site.capacity} {rate(l.capacity_bps)}</>}
                  {l.bound_bps > 0 && <>, {text.site.bound} {rate(l.bound_bps)}</>}
                  {l.reason && <span className="soft"> – {l.reason}</span>}
                </span>
              </li>
            ))}
          </ul>
        )}
      </Answer>
    </section>
  )
}

function Holds({ site }: { site: string }) {
  const asked = useAsked(`policy ${site}`, () => body(api.GET('/api/v1/policy', { params: { query: { site } } })))
  return (
    <section className="card">
      <h2>{text.site.settings}</h2>
      <Answer asked={asked}>
        {(policy) => (
          <>
            {policy.month && <p className="soft">{text.site.month(size(policy.month_bytes), policy.month)}</p>}
            <table className="plain">
              <thead><tr><th scope="col">{text.site.setting}</th><th scope="col">{text.site.value}</th><th scope="col">{text.site.level}</th></tr></thead>
              <tbody>
                {(policy.settings ?? []).map((s) => <tr key={s.key}><td>{s.key}</td><td>{s.value}</td><td className="soft">{s.level ? `${s.level} ${s.subject ?? ''}` : text.site.standard}</td></tr>)}
              </tbody>
            </table>
          </>
        )}
      </Answer>
    </section>
  )
}

const endpointColumns = (now: number): Column<Endpoint>[] => [
  { id: 'name', title: text.columns.name, order: (e) => e.name, cell: (e) => <span title={e.id}>{e.name}</span> },
  { id: 'kind', title: text.columns.kind, order: (e) => e.kind, cell: (e) => e.kind },
  { id: 'links', title: text.columns.links, order: (e) => e.links, figure: true, cell: (e) => e.links },
  { id: 'holds', title: text.columns.holds, cell: (e) => <span className="why" title={(e.holds ?? []).join(', ')}>{(e.holds ?? []).join(', ')}</span>, extra: true, width: '30%' },
  { id: 'health', title: text.columns.health, cell: (e) => e.activation ? `${e.activation.version}: ${e.activation.state.replaceAll('_', ' ')}` : (e.restraints ?? []).join(', '), extra: true },
  { id: 'address', title: text.columns.address, cell: (e) => e.address, extra: true },
  { id: 'since', title: text.columns.online, order: (e) => e.since, cell: (e) => ago(e.since, now) },
]

function Online({ site }: { site: string }) {
  const past = useAt()
  const { rows: all, link } = useEndpointsAt(past, site)
  const [sort, setSort] = useState<Sort>({ by: 'name', down: false })
  const now = useNow()
  const columns = endpointColumns(past ?? now)
  return (
    <section>
      <h2>{text.site.endpoints}</h2>
      <Table label={text.site.endpoints} rows={sorted(all, columns, sort)} columns={columns} rowKey={endpointKey} sort={sort} onSort={setSort}
        empty={link === 'connecting' ? text.loading : past !== undefined ? text.travel.none : <>{text.site.noEndpoints} {site}</>} />
    </section>
  )
}
