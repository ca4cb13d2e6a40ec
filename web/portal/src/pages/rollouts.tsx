// Distributions that go on in rings, the newest first.

import { Link } from 'wouter'
import { rows, usePolled, type Schemas } from '../api.ts'
import { ago } from '../format.ts'
import { useNow } from '../now.ts'
import { Answer } from '../parts/bits.tsx'
import { Table, type Column } from '../parts/table.tsx'
import { text } from '../text.ts'

const most = 50
const again = 5000 // milliseconds until it is asked for anew

type Rollout = Schemas['RolloutView']

const columns = (now: number): Column<Rollout>[] => [
  { id: 'content', title: text.columns.content, cell: (r) => <Link href={`/rollouts/${r.id}`}>{r.name}@{r.version}</Link> },
  { id: 'state', title: text.columns.state, cell: (r) => <span className={`state ${badge(r.state)}`}>{text.rollouts.states[r.state] ?? r.state}</span> },
  { id: 'rings', title: text.rollout.rings, cell: (r) => <Steps rollout={r} /> },
  { id: 'why', title: text.columns.why, cell: (r) => <span className="why" title={r.reason}>{r.reason}</span>, extra: true },
  { id: 'created', title: text.columns.created, cell: (r) => ago(r.created, now) },
]

/** States of rollouts look like those of flows that mean the same. */
export const badge = (state: string): string => (({ done: 'complete', superseded: 'over', rolled_back: 'over' } as Record<string, string>)[state] ?? state)

/** A mark for each ring: open or not. */
function Steps({ rollout: r }: { rollout: Rollout }) {
  const rings = r.rings ?? []
  return <span className="ring-marks" role="img" aria-label={text.rollout.of(r.open_rings, rings.length)}>{rings.map((ring, i) => <span key={ring.name} className={i < r.open_rings ? 'open' : ''} title={ring.name} />)}</span>
}

export default function Rollouts() {
  const now = useNow(again)
  const asked = usePolled('rollouts', again, () => rows('/api/v1/rollouts', { limit: most }, most))
  return (
    <>
      <div className="heading"><h1>{text.rollouts.title}</h1></div>
      <Answer asked={asked}>
        {({ rows: list }) => <Table label={text.rollouts.title} rows={list} columns={columns(now)} rowKey={(r) => String(r.id)} empty={<>{text.rollouts.none}<pre tabIndex={0}><code>{text.rollouts.command}</code></pre></>} />}
      </Answer>
    </>
  )
}
