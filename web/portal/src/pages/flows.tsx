// Every flow there is, live; and what can be done to those that are chosen.

import { useDeferredValue, useMemo, useState } from 'react'
import { Link, useSearchParams } from 'wouter'
import { span } from '../format.ts'
import { flowKey, type Flow } from '../live.ts'
import { useAt, useFlowsAt } from '../looking.ts'
import { Failure, Freshness, moving, Progress, State } from '../parts/bits.tsx'
import { Controls } from '../parts/controls.tsx'
import { Scrubber } from '../parts/scrubber.tsx'
import { Story } from '../parts/story.tsx'
import { Table, sorted, type Column, type Sort } from '../parts/table.tsx'
import { Views } from '../parts/views.tsx'
import { useMay } from '../me.ts'
import { text } from '../text.ts'
import { finder, grouped, type Group } from '../flows.ts'

/** What there is to know of a flow in a line. */
export const flowColumns: Column<Flow>[] = [
  { id: 'site', title: text.columns.site, order: (f) => f.site, cell: (f) => <Link href={`/sites/${encodeURIComponent(f.site)}`}>{f.site}</Link> },
  { id: 'content', title: text.columns.content, order: (f) => f.content, cell: (f) => <Link href={`/contents/${encodeURIComponent(f.content)}`}>{f.content}</Link> },
  { id: 'version', title: text.columns.version, order: (f) => f.version, cell: (f) => f.version, extra: true },
  { id: 'state', title: text.columns.state, order: (f) => f.state, cell: (f) => <State of={f.state} /> },
  { id: 'progress', title: text.columns.progress, order: (f) => (f.endpoints > 0 ? f.complete / f.endpoints : 0), cell: (f) => <Progress flow={f} />, width: '11rem' },
  { id: 'endpoints', title: text.columns.endpoints, order: (f) => f.endpoints, figure: true, cell: (f) => `${f.complete}/${f.endpoints}` },
  { id: 'wan', title: text.columns.wan, order: (f) => f.wan_bps, figure: true, cell: (f) => moving(f.wan_bps) },
  { id: 'peers', title: text.columns.peers, order: (f) => f.peer_bps, figure: true, cell: (f) => moving(f.peer_bps) },
  { id: 'eta', title: text.columns.eta, order: (f) => f.eta_seconds, figure: true, cell: (f) => (f.state === 'running' && f.eta_seconds > 0 ? span(f.eta_seconds) : '–') },
  { id: 'priority', title: text.columns.priority, order: (f) => ['high', 'normal', 'low'].indexOf(f.priority), cell: (f) => text.priorities[f.priority] ?? f.priority, extra: true },
  { id: 'why', title: text.columns.why, cell: (f) => <Why flow={f} />, width: '24%' },
]

/** Why it stands as it does, in a line; more is told when it is clicked. */
function Why({ flow }: { flow: Flow }) {
  const [open, setOpen] = useState(false)
  const past = useAt() !== undefined
  if (past) return <span className="why" title={flow.why.text}>{flow.why.text}</span>
  return (
    <>
      <button type="button" className="link why" title={flow.why.text} aria-label={`${text.story.open(`${flow.content}@${flow.version}, ${flow.site}`)}: ${flow.why.text}`} onClick={() => setOpen(true)}>{flow.why.text}</button>
      {open && <Story flow={flow} close={() => setOpen(false)} />}
    </>
  )
}

const states = Object.keys(text.states)
const groups = Object.keys(text.flows.groups) as Group[]

export default function Flows() {
  const past = useAt()
  const { rows, link, error, busy } = useFlowsAt(past)
  const [search, setSearch] = useSearchParams()
  const steers = useMay('operator') && past === undefined && (search.get('group') ?? '') === ''
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const at = (name: string) => search.get(name) ?? ''
  const set = (change: Record<string, string>) => setSearch((was) => {
    const next = new URLSearchParams(was)
    for (const [name, value] of Object.entries(change)) value === '' ? next.delete(name) : next.set(name, value)
    return next
  }, { replace: true })
  const sort: Sort = { by: at('sort') || 'site', down: at('down') === '1' }
  const group = (at('group') || 'flat') as Group
  const typed = useDeferredValue(at('q'))
  const state = at('state')
  const shown = useMemo(() => {
    const found = rows.filter(finder(typed, state))
    return sorted(group === 'flat' ? found : grouped(found, group), flowColumns, sort)
  }, [rows, typed, state, group, sort.by, sort.down])
  const chosen = useMemo(() => selected.size === 0 ? [] : rows.filter((f) => selected.has(flowKey(f))), [rows, selected])
  const columns = useMemo(() => group === 'flat' ? flowColumns : flowColumns.filter((c) => c.id !== (group === 'site' ? 'content' : 'site') && c.id !== 'version' && c.id !== 'why' && c.id !== 'priority'), [group])
  return (
    <>
      <div className="heading"><h1>{text.flows.title}</h1>{past === undefined && <Freshness link={link} error={error} />}</div>
      <Scrubber busy={busy} />
      {error && <Failure error={error} />}
      <div className="filters" role="search">
        <input type="search" value={at('q')} placeholder={text.flows.search} aria-label={text.flows.search} onChange={(e) => set({ q: e.target.value })} />
        <label>{text.flows.state}<select value={state} onChange={(e) => set({ state: e.target.value })}>
          <option value="">{text.flows.anyState}</option>
          {states.map((s) => <option key={s} value={s}>{text.states[s]}</option>)}
        </select></label>
        <label>{text.flows.group}<select value={group} onChange={(e) => set({ group: e.target.value === 'flat' ? '' : e.target.value })}>
          {groups.map((g) => <option key={g} value={g}>{text.flows.groups[g]}</option>)}
        </select></label>
        <span className="soft" role="status">{text.flows.shown(shown.length, rows.length)}</span>
      </div>
      <Views />
      <Controls chosen={past === undefined ? chosen : []} clear={() => setSelected(new Set())} />
      <Table label={text.flows.title} rows={shown} columns={columns} rowKey={flowKey} sort={sort}
        onSort={(s) => set({ sort: s.by === 'site' ? '' : s.by, down: s.down ? '1' : '' })}
        selected={steers ? selected : undefined} onSelect={steers ? setSelected : undefined}
        empty={link === 'connecting' ? text.loading : rows.length === 0 ? (past === undefined ? text.flows.noneYet : text.travel.none) : text.flows.none} />
    </>
  )
}
