// What endpoints received, what of it crossed the WAN, and what sharing saved.

import { useSearchParams } from 'wouter'
import { rows, useAsked, type Schemas } from '../api.ts'
import { count, size } from '../format.ts'
import { Answer } from '../parts/bits.tsx'
import { Table, type Column } from '../parts/table.tsx'
import { text } from '../text.ts'

const most = 5000
const day = 86_400_000 // milliseconds

type Row = Schemas['ReportRow']
type By = 'site' | 'content' | 'day'

const percent = (part: number): string => `${Math.round(100 * part)} %`

/** Money, with as many digits as its currency has. */
const money = (m: Schemas['Money'], amount: number): string => new Intl.NumberFormat('en', { style: 'currency', currency: m.currency }).format(amount)

const columns: Column<Row>[] = [
  { id: 'key', title: '', cell: (r) => r.key },
  { id: 'origin', title: text.reports.origin, figure: true, cell: (r) => size(r.bytes_origin) },
  { id: 'peer', title: text.reports.peers, figure: true, cell: (r) => size(r.bytes_peer) },
  { id: 'reused', title: text.reports.reused, figure: true, cell: (r) => size(r.bytes_reused), extra: true },
  { id: 'wan', title: text.reports.wan, figure: true, cell: (r) => size(r.wan_bytes) },
  { id: 'saved', title: text.reports.saved, figure: true, cell: (r) => size(r.saved_bytes) },
  { id: 'share', title: text.reports.share, figure: true, cell: (r) => percent(r.saved_share) },
  { id: 'max', title: text.reports.max, figure: true, cell: (r) => percent(r.max_share), extra: true },
  { id: 'endpoints', title: text.reports.endpoints, figure: true, cell: (r) => count(r.endpoints), extra: true },
  { id: 'money', title: text.reports.money, figure: true, cell: (r) => (r.money ?? []).map((m) => money(m, m.saved)).join(', ') || '–', extra: true },
]

/** A day as the API has it, so many days ago. */
const ago = (days: number): string => new Date(Date.now() - days * day).toISOString().slice(0, 10)

export default function Reports() {
  const [search, setSearch] = useSearchParams()
  const by = (search.get('by') ?? 'site') as By
  const days = Number(search.get('days') ?? 30)
  const set = (name: string, value: string) => setSearch((was) => { const next = new URLSearchParams(was); next.set(name, value); return next }, { replace: true })
  const query = { by, from: ago(days - 1) }
  const asked = useAsked(`report ${JSON.stringify(query)}`, () => rows('/api/v1/reports', query, most))
  const shown = columns.map((c) => (c.id === 'key' ? { ...c, title: text.reports.by[by] } : c))
  return (
    <>
      <div className="heading"><h1>{text.reports.title}</h1><a href={`/api/v1/reports/export?${new URLSearchParams(query)}`} download>{text.reports.csv}</a></div>
      <div className="filters">
        <label>{text.reports.rows}<select value={by} onChange={(e) => set('by', e.target.value)}>
          {(Object.keys(text.reports.by) as By[]).map((b) => <option key={b} value={b}>{text.reports.by[b]}</option>)}
        </select></label>
        <label>{text.reports.time}<select value={days} onChange={(e) => set('days', e.target.value)}>
          {[1, 7, 30, 365].map((n) => <option key={n} value={n}>{text.reports.days(n)}</option>)}
        </select></label>
      </div>
      <p className="soft">{text.reports.what}</p>
      <Answer asked={asked}>
        {({ rows: list, more }) => (
          <>
            {more && <p className="soft">{text.table.more(list.length)}</p>}
            <Table label={text.reports.title} rows={list} columns={shown} rowKey={(r) => r.key} empty={text.reports.none} />
          </>
        )}
      </Answer>
    </>
  )
}
