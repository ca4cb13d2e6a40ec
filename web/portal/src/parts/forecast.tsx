// What a distribution would come to: over each WAN, until when, and who would be late.

import type { Schemas } from '../api.ts'
import { count, rate, size, time } from '../format.ts'
import { text } from '../text.ts'
import { Figure } from './bits.tsx'
import { Table, type Column } from './table.tsx'

const t = text.wizard

type Row = Schemas['ForecastSite']

const columns: Column<Row>[] = [
  { id: 'site', title: t.columns.site, cell: (r) => r.site },
  { id: 'ring', title: t.columns.ring, cell: (r) => r.ring ?? '', extra: true },
  { id: 'online', title: t.columns.online, figure: true, cell: (r) => count(r.online) },
  { id: 'bytes', title: t.columns.bytes, figure: true, cell: (r) => size(r.bytes) },
  { id: 'rate', title: t.columns.rate, figure: true, cell: (r) => (r.bps > 0 ? rate(r.bps) : '–'), extra: true },
  { id: 'ready', title: t.columns.ready, cell: (r) => <>{r.misses && <strong className="wrong-text">{t.late} </strong>}{time(r.ready)}</> },
  { id: 'why', title: t.columns.why, cell: (r) => <span className="why" title={r.why}>{r.why ?? ''}</span> },
]

export function Forecast({ of: f, deadline, rings }: { of: Schemas['ForecastView']; deadline: boolean; rings: boolean }) {
  const list = f.rows ?? []
  return (
    <>
      <dl className="figures">
        <Figure label={t.figures.sites} value={count(f.sites)} />
        <Figure label={t.figures.bytes} value={size(f.bytes)} more={t.atMost} />
        <Figure label={t.figures.ready} value={time(f.ready)} more={f.unknown > 0 ? t.unknown(f.unknown) : undefined} />
        <Figure label={t.figures.misses} value={deadline ? count(f.misses) : '–'} more={!deadline ? t.noDeadline : f.misses === 0 && f.unknown === 0 ? t.allInTime : undefined} />
      </dl>
      {f.offline > 0 && <p className="soft">{t.offline(f.offline)}</p>}
      {rings && <p className="soft">{t.ringsLater}</p>}
      <Table label={t.forecast} rows={list} columns={rings ? columns : columns.filter((c) => c.id !== 'ring')} rowKey={(r) => r.site} empty={t.matches(0)} />
      {f.more > 0 && <p className="soft">{t.more(f.more)}</p>}
    </>
  )
}
