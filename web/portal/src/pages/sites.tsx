import { useState } from 'react'
import { Link, useLocation, useSearchParams } from 'wouter'
import { rows, useAsked, type Schemas } from '../api.ts'
import { rate } from '../format.ts'
import { useMay } from '../me.ts'
import { Answer } from '../parts/bits.tsx'
import { NewSite, SiteSheet } from '../parts/siteform.tsx'
import { Table, type Column } from '../parts/table.tsx'
import { text } from '../text.ts'

const most = 5000

type Row = Schemas['Site']

const columns: Column<Row>[] = [
  { id: 'name', title: text.columns.name, cell: (s) => <Link href={`/sites/${encodeURIComponent(s.name)}`}>{s.name}</Link> },
  { id: 'tz', title: text.columns.zone, cell: (s) => s.tz ?? '' },
  { id: 'cap', title: text.columns.cap, figure: true, cell: (s) => (s.cap_bytes_per_second < 0 ? text.sites.noCap : rate(8 * s.cap_bytes_per_second)) },
  { id: 'cidrs', title: text.columns.networks, cell: (s) => (s.cidrs ?? []).join(', '), extra: true },
]

export default function Sites() {
  const [search, setSearch] = useSearchParams()
  const [, go] = useLocation()
  const [edited, setEdited] = useState<Row>()
  const steers = useMay('operator'), admin = useMay('admin')
  const prefix = search.get('q') ?? ''
  const asked = useAsked(`sites ${prefix}`, () => rows('/api/v1/sites', prefix === '' ? {} : { prefix }, most))
  const open: Column<Row>[] = steers ? [...columns, { id: 'edit', title: text.access.actions, cell: (s) => <button type="button" className="quiet" onClick={() => setEdited(s)}>{text.endpoint.site.edit}</button> }] : columns
  return (
    <>
      <div className="heading"><h1>{text.sites.title}</h1></div>
      <div className="filters" role="search">
        <input type="search" value={prefix} placeholder={text.sites.search} aria-label={text.sites.search}
          onChange={(e) => setSearch(e.target.value === '' ? {} : { q: e.target.value }, { replace: true })} />
      </div>
      <Answer asked={asked}>
        {({ rows: list, more }) => (
          <>
            {more && <p className="soft">{text.table.more(list.length)}</p>}
            <Table label={text.sites.title} rows={list} columns={open} rowKey={(s) => s.name} empty={prefix === '' ? text.sites.noneYet : text.sites.none} />
          </>
        )}
      </Answer>
      {admin && (
        <details className="card" open={asked.data?.rows.length === 0 && prefix === '' ? true : undefined}>
          <summary>{text.endpoint.site.make}</summary>
          <NewSite made={(name) => go(`/sites/${encodeURIComponent(name)}`)} />
        </details>
      )}
      {edited && <SiteSheet site={edited} close={() => setEdited(undefined)} changed={asked.again} />}
    </>
  )
}
