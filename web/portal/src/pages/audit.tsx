// Who did what, when, from where, and what was before and after.

import { useState } from 'react'
import { useSearchParams } from 'wouter'
import { rows, useAsked, type Schemas } from '../api.ts'
import { time } from '../format.ts'
import { Answer } from '../parts/bits.tsx'
import { Table, type Column } from '../parts/table.tsx'
import { text } from '../text.ts'
import { difference } from '../difference.ts'

const most = 1000

type Entry = Schemas['Entry']

export default function Audit() {
  const [search, setSearch] = useSearchParams()
  const [open, setOpen] = useState<Entry>()
  const typed = search.get('q') ?? ''
  const asked = useAsked(`audit ${typed}`, () => rows('/api/v1/audit', typed === '' ? { limit: most } : { text: typed, limit: most }, most))
  const columns: Column<Entry>[] = [
    { id: 'at', title: text.columns.at, cell: (e) => time(e.at), width: '13rem' },
    { id: 'by', title: text.columns.by, cell: (e) => <span title={[e.via, e.address, e.agent].filter(Boolean).join(', ')}>{e.by}</span> },
    { id: 'action', title: text.columns.action, cell: (e) => e.before || e.after ? <button type="button" className="link" onClick={() => setOpen(e)}>{e.action}</button> : e.action },
    { id: 'target', title: text.columns.target, cell: (e) => <span className="why" title={e.target}>{e.target}</span> },
    { id: 'detail', title: text.columns.detail, cell: (e) => <span className="why" title={e.detail}>{e.detail}</span>, extra: true, width: '30%' },
  ]
  return (
    <>
      <div className="heading"><h1>{text.audit.title}</h1></div>
      <div className="filters" role="search">
        <input type="search" value={typed} placeholder={text.audit.search} aria-label={text.audit.search}
          onChange={(e) => setSearch(e.target.value === '' ? {} : { q: e.target.value }, { replace: true })} />
      </div>
      <Answer asked={asked}>
        {({ rows: list, more }) => (
          <>
            {more && <p className="soft">{text.table.more(list.length)}</p>}
            <Table label={text.audit.title} rows={list} columns={columns} rowKey={(e) => String(e.id)} empty={text.audit.none} />
          </>
        )}
      </Answer>
      {open && <Change entry={open} close={() => setOpen(undefined)} />}
    </>
  )
}

/** What an entry changed, member by member. */
function Change({ entry, close }: { entry: Entry; close: () => void }) {
  return (
    <dialog className="sheet" aria-label={text.audit.change} ref={(d) => { if (d && !d.open) d.showModal() }} onClose={close}>
      <h2>{entry.action} {entry.target}</h2>
      <p className="soft">{time(entry.at)}, {[entry.by, entry.via, entry.address].filter(Boolean).join(', ')}</p>
      <table className="plain">
        <thead><tr><th /><th scope="col">{text.audit.before}</th><th scope="col">{text.audit.after}</th></tr></thead>
        <tbody>
          {difference(entry.before, entry.after).map(({ path, before, after }) => (
            <tr key={path} className={before === after ? 'soft' : 'changed'}><th scope="row">{path}</th><td>{before}</td><td>{after}</td></tr>
          ))}
        </tbody>
      </table>
      <form method="dialog"><button>{text.audit.close}</button></form>
    </dialog>
  )
}
