// The step that says in which rings it goes on, and through which gates.

import { firstRings, usual, type DraftRing } from '../distribute/draft.ts'
import { text } from '../text.ts'
import { Field } from './form.tsx'
import { whole, type Step } from './wizard.tsx'

const t = text.wizard
const mostRings = 20
const mostHours = 2160

export function RingsStep({ draft, change }: Step) {
  const put = (i: number, ring: Partial<DraftRing>) => change({ rings: draft.rings.map((r, k) => (k === i ? { ...r, ...ring } : r)) })
  return (
    <>
      <p className="soft">{t.ringsWhy}</p>
      <fieldset className="options">
        <legend className="soft">{t.rings}</legend>
        <label><input type="radio" name="rings" checked={!draft.inRings} onChange={() => change({ inRings: false })} />{t.noRings}</label>
        <label><input type="radio" name="rings" checked={draft.inRings} onChange={() => change({ inRings: true, rings: draft.rings.length > 0 ? draft.rings : [...firstRings] })} />{t.inRings}</label>
      </fieldset>
      {draft.inRings && draft.preStage > 0 && <p className="wrong-text" role="alert">{t.noPreStage}</p>}
      {draft.inRings && (
        <ol className="rings-edit">
          {draft.rings.map((ring, i) => (
            <li key={i}>
              <fieldset>
                <legend>{t.ring(i + 1)}</legend>
                <div className="gates-edit">
                  <Field label={t.name}><input type="text" value={ring.name} maxLength={64} onChange={(e) => put(i, { name: e.target.value })} /></Field>
                  <Field label={t.target} hint={t.targetHint}><input type="text" value={ring.target} maxLength={1000} placeholder="tag:canary" spellCheck={false} onChange={(e) => put(i, { target: e.target.value })} /></Field>
                  <Amount label={t.delivered} value={ring.delivered} most={100} set={(delivered) => put(i, { delivered })} />
                  <Amount label={t.failed} value={ring.failed} most={100} set={(failed) => put(i, { failed })} />
                  <Amount label={t.soak} value={ring.soakHours} most={mostHours} set={(soakHours) => put(i, { soakHours })} />
                  <Amount label={t.atOnce} hint={t.atOnceHint} value={ring.atOnce} most={10_000} set={(atOnce) => put(i, { atOnce })} />
                  <Amount label={t.halt} hint={t.haltHint} value={ring.halt} most={100} set={(halt) => put(i, { halt })} />
                </div>
                {draft.rings.length > 1 && <button type="button" className="quiet" onClick={() => change({ rings: draft.rings.filter((_, k) => k !== i) })}>{t.removeRing(i + 1)}</button>}
              </fieldset>
            </li>
          ))}
        </ol>
      )}
      {draft.inRings && draft.rings.length < mostRings && <button type="button" onClick={() => change({ rings: [...draft.rings, { ...usual, name: '', target: '' }] })}>{t.addRing}</button>}
    </>
  )
}

function Amount({ label, hint, value, most, set }: { label: string; hint?: string; value: number; most: number; set: (n: number) => void }) {
  return <Field label={label} hint={hint}><input type="number" min={0} max={most} value={value} onChange={(e) => set(whole(e.target.value, most))} /></Field>
}
