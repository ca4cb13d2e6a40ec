// Rules that hold now: what somebody set by hand, why, until when, and who obeys; each can be ended.

import { useState } from 'react'
import { api, body, rows, usePolled } from '../api.ts'
import { ago } from '../format.ts'
import { useMay } from '../me.ts'
import { useNow } from '../now.ts'
import { about, does, ends, obeyed, type Rule } from '../rules.ts'
import { text } from '../text.ts'
import { Answer, Failure } from './bits.tsx'
import { Sure } from './form.tsx'
import { Table, type Column } from './table.tsx'
import { When } from './when.tsx'

const words = text.endpoint.rules
const every = 3000 // milliseconds

export function Rules() {
  const now = useNow(every)
  const steers = useMay('operator')
  const [error, setError] = useState<Error>()
  const asked = usePolled('rules', every, async () => {
    const [rules, blocks] = await Promise.all([rows('/api/v1/rules', {}), rows('/api/v1/blocks', {})])
    return { rules: rules.rows, blocks: blocks.rows }
  })
  const end = (r: Rule) => void body(api.POST('/api/v1/rules/end', { body: { site: r.site, generation: r.generation } })).then(() => { setError(undefined); asked.again() }, setError)
  const columns: Column<Rule>[] = [
    { id: 'rule', title: words.rule, cell: (r) => <span className={`badge-text ${r.kind}`}>{does(r)}</span> },
    { id: 'on', title: words.on, cell: (r) => <span className="why" title={about(r)}>{about(r)}</span> },
    { id: 'why', title: words.why, cell: (r) => <span className="why" title={r.reason}>{r.reason || '–'}</span> },
    { id: 'by', title: words.by, cell: (r) => <span title={r.created}>{r.by}, {ago(r.created, now)}</span>, extra: true },
    { id: 'until', title: words.until, cell: (r) => r.expires ? <When at={r.expires} /> : ends(r) ? words.never : words.end1, extra: true },
    { id: 'obeyed', title: words.obeyedTitle, cell: (r) => obeyed(r, asked.data?.blocks ?? []) || '–', extra: true },
  ]
  if (steers) columns.push({ id: 'end', title: text.access.actions, cell: (r) => ends(r) && <Sure what={words.end} act={() => end(r)} /> })
  return (
    <section>
      <h2>{words.title}</h2>
      <p className="soft">{words.what}</p>
      {error && <Failure error={error} />}
      <Answer asked={asked}>{(all) => <Table label={words.title} rows={all.rules} columns={columns} rowKey={(r) => String(r.generation)} empty={words.none} />}</Answer>
    </section>
  )
}
