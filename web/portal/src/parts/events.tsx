// The newest events: what people did, and what became of flows.

import { Link } from 'wouter'
import { rows, usePolled } from '../api.ts'
import { ago } from '../format.ts'
import { newest, type Happening } from '../newest.ts'
import { useNow } from '../now.ts'
import { text } from '../text.ts'
import { Answer } from './bits.tsx'

const again = 10_000 // milliseconds
const most = 10
const changes = 200 // of which several may be told together

const ask = async (): Promise<Happening[]> => {
  const [entries, flows] = await Promise.all([rows('/api/v1/audit', { limit: most }, most), rows('/api/v1/flows/changes', { limit: changes }, changes)])
  return newest(entries.rows, flows.rows, most)
}

export function Events() {
  const now = useNow()
  return (
    <section className="card">
      <h2>{text.travel.events}</h2>
      <Answer asked={usePolled('events', again, ask)}>
        {(list) => list.length === 0 ? <p className="soft">{text.travel.noEvents}</p> : (
          <ul className="list">
            {list.map((h) => <li key={h.key}><span className="soft when">{ago(h.at, now)}</span><Event of={h} /></li>)}
          </ul>
        )}
      </Answer>
    </section>
  )
}

function Event({ of }: { of: Happening }) {
  if (of.kind === 'done') return <span className="line" title={of.target}><strong>{of.by}</strong> {of.action} {of.target}</span>
  const ref = `${of.content}@${of.version}`
  const to = of.sites.length === 1 ? `/sites/${encodeURIComponent(of.sites[0]!)}` : `/flows?q=${encodeURIComponent(ref)}`
  return <span className="line" title={of.text}><span className={`state ${of.state}`}>{text.states[of.state] ?? of.state}</span>: <Link href={to}>{text.travel.at(ref, of.sites)}</Link></span>
}
