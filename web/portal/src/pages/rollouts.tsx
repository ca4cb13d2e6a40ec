// Distributions that go on in rings: how far each is, why it waits, and what can be done.

import { useState } from 'react'
import { Link } from 'wouter'
import { api, body, rows, usePolled, type Schemas } from '../api.ts'
import { ago, count, span, time } from '../format.ts'
import { useMay } from '../me.ts'
import { useNow } from '../now.ts'
import { Answer, Failure } from '../parts/bits.tsx'
import { Sure } from '../parts/form.tsx'
import { text } from '../text.ts'

const most = 50
const again = 5000 // milliseconds until it is asked for anew

const never = 2 ** 31 - 1 // the longest that a timer waits: 24 days

type Rollout = Schemas['RolloutView']

const ended = (r: Rollout): boolean => ['done', 'superseded', 'rolled_back'].includes(r.state)

export default function Rollouts() {
  const now = useNow(again)
  const asked = usePolled('rollouts', again, () => rows('/api/v1/rollouts', { limit: most }, most))
  return (
    <>
      <div className="heading"><h1>{text.rollouts.title}</h1></div>
      <Answer asked={asked}>
        {({ rows: list }) => list.length === 0 ? <div className="empty">{text.rollouts.none}<pre tabIndex={0}><code>{text.rollouts.command}</code></pre></div>
          : list.map((r) => <One key={r.id} rollout={r} now={now} done={asked.again} />)}
      </Answer>
    </>
  )
}

function One({ rollout: r, now, done }: { rollout: Rollout; now: number; done: () => void }) {
  // Figures are in the answer for one rollout only, and of one that ended they change no more.
  const asked = usePolled(`rollout ${r.id} ${r.state}`, ended(r) ? never : again, () => body(api.GET('/api/v1/rollouts/{id}', { params: { path: { id: r.id } } })))
  const last = asked.data ?? r
  return (
    <section className="card">
      <div className="heading">
        <h2><Link href={`/contents/${encodeURIComponent(last.name)}`}>{last.name}</Link>@{last.version}</h2>
        <span className="soft">{text.rollouts.ordered(ago(last.created, now))}</span>
      </div>
      <p><strong>{text.rollouts.states[last.state] ?? last.state}</strong>{last.reason && <>: {last.reason}</>}</p>
      {last.ready_by && <p className="soft">{text.content.readyBy} {time(last.ready_by)}</p>}
      <Rings rings={last.rings ?? []} />
      {(last.missed ?? []).length > 0 && <details><summary>{text.rollouts.missed((last.missed ?? []).length)}</summary>
        <ul className="list">{(last.missed ?? []).map((m) => <li key={m.site}><strong>{m.site}</strong> {m.why}</li>)}</ul></details>}
      <Steer rollout={last} done={done} />
    </section>
  )
}

function Rings({ rings }: { rings: readonly Schemas['RingView'][] }) {
  return (
    <div className="wide">
      <table className="plain">
        <thead><tr>{text.rollouts.columns.map((title, i) => <th key={title} scope="col" className={i > 1 && i < 6 ? 'figure' : ''}>{title}</th>)}</tr></thead>
        <tbody>
          {rings.map((ring) => (
            <tr key={ring.name}>
              <th scope="row">{ring.name}</th>
              <td>{ring.open ? text.rollouts.open : text.rollouts.shut}</td>
              <td className="figure">{count(ring.seen.sites)}</td>
              <td className="figure">{count(ring.seen.delivered)}/{count(ring.seen.endpoints)}</td>
              <td className="figure">{count(ring.seen.activated)}</td>
              <td className="figure">{count(ring.seen.failed)}</td>
              <td className="soft">{gates(ring)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function gates(ring: Schemas['RingView']): string {
  const parts = [text.rollouts.gates.delivered(ring.delivered_percent), text.rollouts.gates.failed(ring.failed_percent)]
  if (ring.soak_seconds > 0) parts.push(text.rollouts.gates.soak(span(ring.soak_seconds)))
  if (ring.at_once > 0) parts.push(text.rollouts.gates.atOnce(ring.at_once))
  return parts.join(', ')
}

function Steer({ rollout: r, done }: { rollout: Rollout; done: () => void }) {
  const [error, setError] = useState<Error>()
  const steers = useMay('operator')
  const path = { params: { path: { id: r.id } } }
  const act = (asked: Promise<unknown>) => void asked.then(() => { setError(undefined); done() }, setError)
  if (!steers || ended(r)) return null
  return (
    <div className="actions">
      {r.state === 'halted'
        ? <Sure what={text.rollouts.go} act={() => act(body(api.POST('/api/v1/rollouts/{id}/continue', path)))} />
        : <Sure what={text.rollouts.halt} act={() => act(body(api.POST('/api/v1/rollouts/{id}/halt', { ...path, body: {} })))} />}
      <Sure what={text.rollouts.retry} act={() => act(body(api.POST('/api/v1/rollouts/{id}/retry', path)))} />
      {error && <Failure error={error} />}
    </div>
  )
}
