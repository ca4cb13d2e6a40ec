// The steps that say what goes where, and when.

import { useEffect, useState } from 'react'
import { api, body, rows, useAsked, type Asked, type Schemas } from '../api.ts'
import { aim, type Draft, type Way } from '../distribute/draft.ts'
import { size, time } from '../format.ts'
import { text } from '../text.ts'
import { Answer, Failure } from './bits.tsx'
import { Field } from './form.tsx'

const t = text.wizard

export interface Step {
  draft: Draft
  change: (change: Partial<Draft>) => void
}

export function VersionStep({ draft, change, versions }: Step & { versions: Asked<Schemas['VersionView'][] | null> }) {
  return (
    <Answer asked={versions}>
      {(list) => (
        <fieldset className="options">
          <legend className="soft">{text.columns.version}</legend>
          {(list ?? []).map((v) => (
            <label key={v.id}>
              <input type="radio" name="version" checked={draft.version === v.version} onChange={() => change({ version: v.version })} />
              <span><strong>{v.version}</strong> <span className="soft">{size(v.bytes)}, {time(v.created)}</span></span>
            </label>
          ))}
          {(list ?? []).length === 0 && <p className="soft">{t.none}</p>}
        </fieldset>
      )}
    </Answer>
  )
}

const ways: readonly Way[] = ['all', 'sites', 'tag', 'query']

export function WhereStep({ name, draft, change }: Step & { name: string }) {
  const tags = useAsked('tags', () => rows('/api/v1/tags', {}))
  return (
    <>
      <fieldset className="options">
        <legend className="soft">{t.steps[1]}</legend>
        {ways.map((way) => <label key={way}><input type="radio" name="way" checked={draft.way === way} onChange={() => change({ way })} />{t.ways[way]}</label>)}
      </fieldset>
      {draft.way === 'sites' && <Field label={t.sites} hint={t.sitesHint}><input type="text" name="sites" value={draft.sites} spellCheck={false} onChange={(e) => change({ sites: e.target.value })} /></Field>}
      {draft.way === 'tag' && (
        <Answer asked={tags}>
          {({ rows: list }) => list.length === 0 ? <p className="soft">{t.noTags}</p> : (
            <Field label={t.tag}><select name="tag" value={draft.tag} onChange={(e) => change({ tag: e.target.value })}>
              <option value="" disabled>{t.chooseTag}</option>
              {list.map((tag) => <option key={tag.name}>{tag.name}</option>)}
            </select></Field>
          )}
        </Answer>
      )}
      {draft.way === 'query' && <Field label={t.query} hint={t.queryHint}><input type="text" name="query" value={draft.query} maxLength={1000} spellCheck={false} onChange={(e) => change({ query: e.target.value })} /></Field>}
      <Means name={name} draft={draft} />
    </>
  )
}

/** Which sites are asked about: what was typed last, once typing rests. */
function useRested<T>(value: T, key: string, ms: number): T {
  const [rested, setRested] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), ms)
    return () => clearTimeout(timer)
  }, [key, ms])
  return rested
}

const rest = 300 // milliseconds
const shown = 12 // sites by name

function Means({ name, draft }: { name: string; draft: Draft }) {
  const where = aim(draft)
  const asks = useRested(where, JSON.stringify(where ?? null), rest)
  const asked = useAsked(`means ${draft.version} ${JSON.stringify(asks ?? null)}`, async () => (asks === undefined ? undefined
    : (await body(api.POST('/api/v1/distributions', { params: { query: { dry_run: true } }, body: { name, version: draft.version, priority: 'normal', ...asks } }))).sites ?? []))
  if (where === undefined) return <p className="soft" role="status">{t.choose}</p>
  if (asked.error) return <Failure error={asked.error} />
  if (asked.data === undefined) return <p className="soft" aria-busy="true">{t.asking}</p>
  const sites = asked.data
  return (
    <div role="status">
      <p><strong>{t.matches(sites.length)}</strong>{draft.way !== 'sites' && <span className="soft"> {t.later}</span>}</p>
      {sites.length > 0 && <details><summary>{t.which}</summary><p>{sites.slice(0, shown).map((s) => s.site).join(', ')} {sites.length > shown && <span className="soft">{t.andMore(sites.length - shown)}</span>}</p></details>}
    </div>
  )
}

/** A whole number of an input, within its bounds. */
export const whole = (value: string, most: number): number => Math.min(most, Math.max(0, Math.floor(Number(value)) || 0))

export function WhenStep({ draft, change }: Step) {
  return (
    <div className="form">
      <Field label={t.priority}><select name="priority" value={draft.priority} onChange={(e) => change({ priority: e.target.value as Draft['priority'] })}>
        {(['high', 'normal', 'low'] as const).map((p) => <option key={p} value={p}>{text.priorities[p]}</option>)}
      </select></Field>
      <div className="pair">
        <Field label={t.notBefore} hint={`${t.notBeforeHint}; ${t.zone}`}><input type="datetime-local" name="not-before" value={draft.notBefore} onChange={(e) => change({ notBefore: e.target.value })} /></Field>
        <Field label={t.readyBy} hint={`${t.readyByHint}; ${t.zone}`}><input type="datetime-local" name="ready-by" value={draft.readyBy} onChange={(e) => change({ readyBy: e.target.value })} /></Field>
      </div>
      <Field label={t.preStage} hint={t.preStageHint}><input type="number" name="pre-stage" min={0} max={64} value={draft.preStage} onChange={(e) => change({ preStage: whole(e.target.value, 64) })} /></Field>
      <Field label={t.use} hint={t.useHint}><select name="use" value={draft.use} disabled={draft.preStage > 0} onChange={(e) => change({ use: e.target.value as Draft['use'] })}>
        {(['', 'hold'] as const).map((use) => <option key={use} value={use}>{t.uses[use]}</option>)}
      </select></Field>
    </div>
  )
}
