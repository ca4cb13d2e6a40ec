// One rollout: how far each of its rings is, what holds it up, what can be done, and what happened.

import { useState } from 'react'
import { Link } from 'wouter'
import { api, body, rows, useAsked, usePolled, type Schemas } from '../api.ts'
import { ago, count, span, time } from '../format.ts'
import { useMay } from '../me.ts'
import { useNow } from '../now.ts'
import { Answer, Failure } from '../parts/bits.tsx'
import { Field, Sure } from '../parts/form.tsx'
import { KeyField, type Chosen as ChosenKey } from '../parts/key.tsx'
import { goBack } from '../rollout/back.ts'
import { backName, before, gates, halts, parts } from '../rollout/gates.ts'
import { text } from '../text.ts'
import { badge } from './rollouts.tsx'

const t = text.rollout
const again = 5000 // milliseconds until it is asked for anew

type View = Schemas['RolloutView']

const ended = (r: View): boolean => ['done', 'superseded', 'rolled_back'].includes(r.state)

export default function Rollout({ id }: { id: number }) {
  const now = useNow(again)
  const [turn, setTurn] = useState(0)
  const asked = usePolled(`rollout ${id} ${turn}`, again, () => body(api.GET('/api/v1/rollouts/{id}', { params: { path: { id } } })))
  if (asked.data === undefined) return <><h1>{t.title(id)}</h1><Answer asked={asked}>{() => null}</Answer></>
  return (
    <Answer asked={asked}>
      {(r) => (
        <>
          <div className="heading">
            <h1><Link href={`/contents/${encodeURIComponent(r.name)}`}>{r.name}</Link>@{r.version}</h1>
            <span className="soft">{t.title(r.id)}, {text.rollouts.ordered(ago(r.created, now))} · <Link href="/rollouts">{t.all}</Link></span>
          </div>
          <section className="card rollout-state">
            <p><strong className={`state ${badge(r.state)}`}>{text.rollouts.states[r.state] ?? r.state}</strong> {r.reason}</p>
            {r.ready_by && <p className="soft">{text.content.readyBy} {time(r.ready_by)}</p>}
            <p className="soft"><Link href={`/flows?q=${encodeURIComponent(r.name)}`}>{t.flows}</Link></p>
          </section>
          <section>
            <h2>{t.rings}</h2>
            <ol className="ring-path" aria-label={t.picture}>{(r.rings ?? []).map((ring) => <Ring key={ring.name} ring={ring} />)}</ol>
          </section>
          <Missed rollout={r} />
          <div className="columns">
            <Steer rollout={r} done={() => setTurn(turn + 1)} />
            <History rollout={r} />
          </div>
        </>
      )}
    </Answer>
  )
}

function Ring({ ring }: { ring: Schemas['RingView'] }) {
  const { seen } = ring
  const bar = parts(seen)
  const words = `${t.of(seen.delivered, seen.endpoints)} ${t.delivered}, ${count(seen.activated)} ${t.activated}, ${count(seen.failed + seen.stuck)} ${t.failed}`
  return (
    <li className={ring.open ? 'open' : ''}>
      <div className="ring-head"><strong>{ring.name}</strong> <span className="soft">{ring.open ? t.open : t.shut} · {t.sites(seen.sites)} · <code>{ring.target}</code></span></div>
      <svg viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label={words}>
        <rect className="rest" width="100" height="6" />
        <rect className="activated" width={bar.activated} height="6" />
        <rect className="delivered" x={bar.activated} width={bar.delivered} height="6" />
        <rect className="failed" x={100 - bar.failed} width={bar.failed} height="6" />
      </svg>
      <p className="ring-figures">
        <span><span className="swatch delivered" /> {t.of(seen.delivered, seen.endpoints)} {t.delivered}</span>
        {seen.kiosks > 0 && <span><span className="swatch activated" /> {count(seen.activated)} {t.activated}</span>}
        <span><span className="swatch failed" /> {count(seen.failed + seen.stuck)} {t.failed}</span>
      </p>
      <ul className="gates">
        {gates(ring).map((g) => <li key={g.text} className={g.met ? 'met' : ''}><span aria-hidden="true">{g.met ? '✓' : '○'}</span> {g.text} <span className="soft">{g.met ? t.met : t.unmet}</span></li>)}
        {ring.soak_seconds > 0 && <li><span aria-hidden="true">·</span> {t.gate.soak(span(ring.soak_seconds))}</li>}
        {ring.at_once > 0 && <li><span aria-hidden="true">·</span> {text.rollouts.gates.atOnce(ring.at_once)}</li>}
        {halts(ring.halt_percent) && <li><span aria-hidden="true">·</span> {t.gate.halt(ring.halt_percent)}</li>}
      </ul>
    </li>
  )
}

function Missed({ rollout: r }: { rollout: View }) {
  const missed = r.missed ?? []
  if (missed.length === 0) return null
  return (
    <section>
      <h2>{t.missed}</h2>
      <div className="table" tabIndex={0} role="region" aria-label={t.missed}><table>
        <thead><tr><th scope="col">{t.columns.site}</th><th scope="col">{t.columns.why}</th></tr></thead>
        <tbody>{missed.map((m) => <tr key={m.site}><td><Link href={`/sites/${encodeURIComponent(m.site)}`}>{m.site}</Link></td><td>{m.why}</td></tr>)}</tbody>
      </table></div>
    </section>
  )
}

function Steer({ rollout: r, done }: { rollout: View; done: () => void }) {
  const [error, setError] = useState<Error>()
  const [reason, setReason] = useState('')
  const steers = useMay('operator')
  if (!steers) return null
  const path = { params: { path: { id: r.id } } }
  const act = (asked: Promise<unknown>) => void asked.then(() => { setError(undefined); done() }, setError)
  return (
    <section className="card">
      <h2>{t.steer}</h2>
      {!ended(r) && r.state !== 'halted' && (
        <>
          <p className="soft">{t.haltWhat}</p>
          <Field label={t.reason}><input type="text" name="reason" value={reason} maxLength={300} onChange={(e) => setReason(e.target.value)} /></Field>
          <div className="actions"><Sure what={t.halt} act={() => act(body(api.POST('/api/v1/rollouts/{id}/halt', { ...path, body: reason.trim() === '' ? {} : { reason: reason.trim() } })))} /></div>
        </>
      )}
      {r.state === 'halted' && <><p className="soft">{t.goWhat}</p><div className="actions"><Sure what={t.go} act={() => act(body(api.POST('/api/v1/rollouts/{id}/continue', path)))} /></div></>}
      {!ended(r) && <div className="actions"><Sure what={t.retry} act={() => act(body(api.POST('/api/v1/rollouts/{id}/retry', path)))} /></div>}
      {r.state !== 'rolled_back' && <Back rollout={r} done={done} />}
      {error && <Failure error={error} />}
    </section>
  )
}

/** Goes back to an older version, which is signed here. */
function Back({ rollout: r, done }: { rollout: View; done: () => void }) {
  const versions = useAsked(`versions ${r.name}`, () => body(api.GET('/api/v1/contents/{name}', { params: { path: { name: r.name } } })))
  const [to, setTo] = useState('')
  const [key, setKey] = useState<ChosenKey>()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<Error>()
  const [made, setMade] = useState<{ version: string; change: Schemas['Change'] }>()
  const older = before(versions.data ?? [], r.version)
  const old = to || older[0]?.version || ''
  if (made) return <p className="inset" role="status">{made.change.proposal ? t.backProposed(made.change.proposal) : t.backDone(`${r.name}@${made.version}`)}</p>
  const go = () => {
    setBusy(true)
    setError(undefined)
    goBack(r, old, key!.key).then((is) => { setMade(is); done() }, setError).finally(() => setBusy(false))
  }
  return (
    <details>
      <summary>{t.back}{old && <span className="soft"> – {t.backTo} {r.name}@{old}</span>}</summary>
      {older.length === 0 ? <p className="soft">{t.backNone}</p> : (
        <div className="form">
          <p className="soft">{t.backWhat}</p>
          <Field label={t.backTo} hint={t.backAs(`${r.name}@${backName(old, 1)}`)}><select name="back" value={old} onChange={(e) => setTo(e.target.value)}>{older.map((v) => <option key={v.version}>{v.version}</option>)}</select></Field>
          <KeyField name={r.name} choose={setKey} />
          {key?.may && !busy ? <Sure what={t.back} act={go} /> : <button type="button" disabled>{busy ? text.loading : t.back}</button>}
          {error && <Failure error={error} />}
        </div>
      )}
    </details>
  )
}

const most = 50

/** What the audit log has of it: rings that opened, halts, who steered, and why. */
function History({ rollout: r }: { rollout: View }) {
  const asked = useAsked(`history ${r.id} ${r.changed ?? ''} ${r.state} ${r.open_rings}`, async () => {
    const targets = [`rollout ${r.id}`, `distribution ${r.id}`]
    const found = await Promise.all(targets.map((target) => rows('/api/v1/audit', { text: target, limit: most }, most)))
    return found.flatMap(({ rows: list }) => list).filter((e) => targets.includes(e.target)).sort((a, b) => b.id - a.id)
  })
  return (
    <section className="card">
      <h2>{t.history}</h2>
      <Answer asked={asked}>
        {(list) => (
          <ol className="timeline" reversed>
            {list.map((e) => <li key={e.id}><time className="soft" dateTime={e.at}>{time(e.at)}</time><span><strong>{e.action}</strong> <span className="soft">{e.by}</span><br />{e.detail}</span></li>)}
            <li><time className="soft" dateTime={r.created}>{time(r.created)}</time><span><strong>{t.ordered}</strong></span></li>
          </ol>
        )}
      </Answer>
    </section>
  )
}
