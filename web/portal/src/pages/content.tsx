// One content: what moves of it, its versions, and to whom they were ordered.

import { useState } from 'react'
import { Link } from 'wouter'
import { api, body, rows, useAsked, usePolled, type Schemas } from '../api.ts'
import { count, size, time } from '../format.ts'
import { flowKey, useFlows } from '../live.ts'
import { Answer, Freshness } from '../parts/bits.tsx'
import { Controls } from '../parts/controls.tsx'
import { sorted, Table, type Column, type Sort } from '../parts/table.tsx'
import { useMay } from '../me.ts'
import { text } from '../text.ts'
import { flowColumns } from './flows.tsx'

/** How often it is asked who holds what, in milliseconds. */
const heldEvery = 10_000

const columns = flowColumns.filter((c) => c.id !== 'content')

const t = text.publish

const versionColumns = (name: string, steers: boolean): Column<Schemas['VersionDetail']>[] => [
  { id: 'version', title: text.columns.version, cell: (v) => <span title={v.id}>{v.version}</span> },
  { id: 'size', title: text.columns.size, figure: true, cell: (v) => size(v.bytes) },
  { id: 'delta', title: t.columns.delta, figure: true, cell: (v) => <span title={t.deltaWhat}>{delta(v)}</span> },
  { id: 'signer', title: t.columns.signer, cell: (v) => <Signer of={v.signer} /> },
  { id: 'held', title: t.columns.held, cell: (v) => t.held(v.endpoints, v.sites) },
  { id: 'copies', title: t.columns.copies, figure: true, cell: (v) => t.copies(v.copies_least, v.copies_most), extra: true },
  { id: 'chunks', title: text.columns.chunks, figure: true, cell: (v) => count(v.chunks), extra: true },
  { id: 'serial', title: text.columns.serial, figure: true, cell: (v) => v.serial, extra: true },
  { id: 'created', title: text.columns.created, cell: (v) => time(v.created), extra: true },
  ...(steers ? [{ id: 'actions', title: t.columns.actions, cell: (v: Schemas['VersionDetail']) => <Link href={`/contents/${encodeURIComponent(name)}/distribute?version=${encodeURIComponent(v.version)}`}>{t.distribute}</Link> }] : []),
]

/** What the version needs over the WAN where the one before is held. */
function delta(v: Schemas['VersionDetail']): string {
  if (v.patch_bytes !== undefined) return t.patched(size(v.patch_bytes))
  if (v.new_bytes !== undefined) return t.delta(size(v.new_bytes))
  return v.before ? t.unknownDelta : t.first
}

function Signer({ of }: { of: Schemas['Signer'] }) {
  return <span className={`signer ${of.state}`} title={of.key && t.keyID(of.key)}>{of.name || (of.key ? t.keyID(of.key) : '')} <span className="soft">{t.signer[of.state] ?? of.state}</span></span>
}

export default function Content({ name }: { name: string }) {
  const flows = useFlows({ content: name })
  const steers = useMay('operator')
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const [sort, setSort] = useState<Sort>({ by: 'site', down: false })
  const versions = usePolled(`versions ${name}`, heldEvery, () => body(api.GET('/api/v1/contents/{name}/details', { params: { path: { name } } })))
  const orders = useAsked(`orders ${name}`, () => rows('/api/v1/distributions', { content: name }, 50))
  return (
    <>
      <div className="heading"><h1>{name}</h1><Freshness link={flows.link} error={flows.error} />
        {steers && <span className="actions"><Link href={`/publish?name=${encodeURIComponent(name)}`} className="button">{t.again}</Link><Link href={`/contents/${encodeURIComponent(name)}/distribute`} className="button first">{t.distribute}</Link></span>}</div>
      <section>
        <h2>{text.content.flows}</h2>
        <Controls chosen={flows.rows.filter((f) => selected.has(flowKey(f)))} clear={() => setSelected(new Set())} />
        <Table label={text.content.flows} rows={sorted(flows.rows, columns, sort)} columns={columns} rowKey={flowKey} sort={sort} onSort={setSort}
          selected={steers ? selected : undefined} onSelect={steers ? setSelected : undefined} empty={flows.link === 'connecting' ? text.loading : text.content.noDistributions} />
      </section>
      <section>
        <h2>{text.content.versions}</h2>
        <Answer asked={versions}>{(list) => <Table label={text.content.versions} rows={list ?? []} columns={versionColumns(name, steers)} rowKey={(v) => v.id} empty={text.contents.none} />}</Answer>
      </section>
      <section className="card">
          <h2>{text.content.distributions}</h2>
          <Answer asked={orders}>
            {({ rows: list }) => list.length === 0 ? <p className="soft">{text.content.noDistributions}</p> : (
              <ul className="list">{list.map((d) => <li key={d.id}><span className="soft when">{time(d.created)}</span><span><strong>{d.version}</strong> {said(d)}</span></li>)}</ul>
            )}
          </Answer>
      </section>
    </>
  )
}

function said(d: Schemas['Listed']): string {
  const parts = [d.all ? text.content.all : text.content.sites(d.site_count), (text.priorities[d.priority] ?? d.priority).toLowerCase()]
  if (d.ready_by) parts.push(`${text.content.readyBy} ${time(d.ready_by)}`)
  if (d.pre_stage) parts.push(text.content.preStage(d.pre_stage))
  return parts.join(', ')
}
