import { Link, useSearchParams } from 'wouter'
import { rows, useAsked, type Schemas } from '../api.ts'
import { count, size, time } from '../format.ts'
import { useMay } from '../me.ts'
import { Answer } from '../parts/bits.tsx'
import { Table, type Column } from '../parts/table.tsx'
import { text } from '../text.ts'

const most = 5000

const columns: Column<Schemas['ContentView']>[] = [
  { id: 'name', title: text.columns.name, cell: (c) => <Link href={`/contents/${encodeURIComponent(c.name)}`}>{c.name}</Link> },
  { id: 'newest', title: text.columns.newest, cell: (c) => c.newest.version },
  { id: 'size', title: text.columns.size, figure: true, cell: (c) => size(c.newest.bytes) },
  { id: 'created', title: text.columns.created, cell: (c) => time(c.newest.created) },
  { id: 'versions', title: text.columns.versions, figure: true, cell: (c) => count(c.versions), extra: true },
]

export default function Contents() {
  const [search, setSearch] = useSearchParams()
  const prefix = search.get('q') ?? ''
  const may = useMay('operator')
  const asked = useAsked(`contents ${prefix}`, () => rows('/api/v1/contents', prefix === '' ? {} : { prefix }, most))
  return (
    <>
      <div className="heading"><h1>{text.contents.title}</h1>{may && <Link href="/publish" className="button">{text.publish.open}</Link>}</div>
      <div className="filters" role="search">
        <input type="search" value={prefix} placeholder={text.contents.search} aria-label={text.contents.search}
          onChange={(e) => setSearch(e.target.value === '' ? {} : { q: e.target.value }, { replace: true })} />
      </div>
      <Answer asked={asked}>
        {({ rows: list, more }) => (
          <>
            {more && <p className="soft">{text.table.more(list.length)}</p>}
            <Table label={text.contents.title} rows={list} columns={columns} rowKey={(c) => c.name} empty={prefix === '' ? text.contents.noneYet : text.contents.none} />
          </>
        )}
      </Answer>
    </>
  )
}
