// Puts a distribution together, step by step. The step is in the address, so that back and forward work; the draft is kept in
// the tab, so that neither they nor a reload lose it.

import { useEffect, useRef, useState, type ReactNode } from 'react'
import { Link, useSearchParams } from 'wouter'
import { api, body, rows, useAsked, type Schemas } from '../api.ts'
import { lacks, line, order, reachesAll, restored, steps, type Draft } from '../distribute/draft.ts'
import { useMay } from '../me.ts'
import { Answer, Failure } from '../parts/bits.tsx'
import { Forecast } from '../parts/forecast.tsx'
import { Copy } from '../parts/form.tsx'
import { RingsStep } from '../parts/rings.tsx'
import { VersionStep, WhenStep, WhereStep } from '../parts/wizard.tsx'
import { text } from '../text.ts'

const t = text.wizard

/** The draft of a content, kept in this tab. */
function useDraft(name: string, version: string): [Draft, (change: Partial<Draft>) => void, () => void] {
  const key = `sitecast.draft ${name}`
  const [draft, setDraft] = useState<Draft>(() => {
    const kept = restored(sessionStorage.getItem(key))
    return version === '' ? kept : { ...kept, version }
  })
  useEffect(() => sessionStorage.setItem(key, JSON.stringify(draft)), [key, draft])
  return [draft, (change) => setDraft((was) => ({ ...was, ...change })), () => setDraft({ ...restored(null), version })]
}

export default function Distribute({ name }: { name: string }) {
  const [search, setSearch] = useSearchParams()
  const [draft, change, reset] = useDraft(name, search.get('version') ?? '')
  const may = useMay('operator')
  const heading = useRef<HTMLHeadingElement>(null)
  const [done, setDone] = useState<Schemas['Change']>()
  const versions = useAsked(`versions ${name}`, () => body(api.GET('/api/v1/contents/{name}', { params: { path: { name } } })))
  const newest = versions.data?.[0]?.version
  useEffect(() => { if (draft.version === '' && newest) change({ version: newest }) }, [draft.version, newest])
  const open = lacks(draft)
  const at = Math.min(Math.max(0, Number(search.get('step') ?? 1) - 1 || 0), open, steps - 1)
  const go = (step: number) => setSearch((was) => {
    const next = new URLSearchParams(was)
    next.delete('version') // the draft has it
    next.set('step', String(step + 1))
    return next
  })
  // Who can't see the page hears the step, and goes on from its beginning.
  const first = useRef(true)
  useEffect(() => {
    if (!first.current) heading.current?.focus()
    first.current = false
  }, [at])
  if (!may) return <><h1>{t.title(name)}</h1><p className="soft">{t.mayNot}</p></>
  if (done) return <Done name={name} change={done} />
  const pages: ReactNode[] = [
    <VersionStep draft={draft} change={change} versions={versions} />, <WhereStep name={name} draft={draft} change={change} />, <WhenStep draft={draft} change={change} />,
    <RingsStep draft={draft} change={change} />, <Confirm name={name} draft={draft} done={(made) => { reset(); setDone(made) }} />,
  ]
  return (
    <>
      <div className="heading"><h1>{t.title(name)}</h1><button type="button" className="quiet" onClick={() => { reset(); go(0) }}>{t.reset}</button></div>
      <ol className="wizard-steps">
        {t.steps.map((title, i) => (
          <li key={title}><button type="button" className={i < at ? 'past' : ''} aria-current={i === at ? 'step' : undefined} disabled={i > open} onClick={() => go(i)}><span aria-hidden="true">{i + 1}</span> {title}</button></li>
        ))}
      </ol>
      <section className="card wizard" aria-labelledby="wizard-step">
        <p className="soft">{t.step(at + 1, steps)}</p>
        <h2 id="wizard-step" tabIndex={-1} ref={heading}>{[t.version, t.where, text.wizard.steps[2], t.rings, t.forecast][at]}</h2>
        {pages[at]}
        <div className="actions">
          {at > 0 && <button type="button" onClick={() => go(at - 1)}>{t.back}</button>}
          {at < steps - 1 && <button type="button" className="first" disabled={open <= at} onClick={() => go(at + 1)}>{t.next}</button>}
        </div>
      </section>
      <Copy label={t.line} value={line(name, draft)} />
    </>
  )
}

/** What it comes to, and the order itself. */
function Confirm({ name, draft, done }: { name: string; draft: Draft; done: (made: Schemas['Change']) => void }) {
  const wanted = order(name, draft)!
  const forecast = useAsked(`forecast ${JSON.stringify(wanted)}`, () => body(api.POST('/api/v1/distributions/forecast', { body: wanted })))
  const four = useAsked('four eyes', () => body(api.GET('/api/v1/four-eyes')))
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<Error>()
  const proposes = four.data?.on === true && reachesAll(draft)
  const send = () => {
    setBusy(true)
    setError(undefined)
    body(api.POST('/api/v1/distributions', { body: wanted })).then(done, setError).finally(() => setBusy(false))
  }
  const ref = `${name}@${draft.version}`
  return (
    <Answer asked={forecast}>
      {(f) => (
        <>
          <Forecast of={f} deadline={draft.readyBy !== ''} rings={draft.inRings} />
          {proposes && <p className="inset">{t.fourEyes}</p>}
          <div className="actions"><button type="button" className="first" disabled={busy || four.data === undefined} onClick={send}>{busy ? text.loading : proposes ? t.propose(ref) : t.confirm(ref, f.sites)}</button></div>
          {error && <Failure error={error} />}
        </>
      )}
    </Answer>
  )
}

function Done({ name, change }: { name: string; change: Schemas['Change'] }) {
  const rollout = useAsked(`made ${change.distribution ?? 0}`, async () => {
    if (!change.distribution) return undefined
    const { rows: list } = await rows('/api/v1/rollouts', { limit: 50 }, 50)
    return list.find((r) => r.id === change.distribution)
  })
  return (
    <>
      <h1>{t.title(name)}</h1>
      <section className="card" role="status">
        <p>{change.proposal ? t.proposed(change.proposal) : t.done}</p>
        <div className="actions">
          {rollout.data && <Link href={`/rollouts/${rollout.data.id}`} className="button first">{t.rollout}</Link>}
          <Link href={`/contents/${encodeURIComponent(name)}`} className="button">{t.content}</Link>
        </div>
      </section>
    </>
  )
}
