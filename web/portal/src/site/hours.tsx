// What may be fetched over the WAN in each hour of the week: seen, painted, or typed.

import { useEffect, useState } from 'react'
import { api, body, useAsked, type Schemas } from '../api.ts'
import { useMay } from '../me.ts'
import { useNow } from '../now.ts'
import { Failure } from '../parts/bits.tsx'
import { Field } from '../parts/form.tsx'
import { text } from '../text.ts'
import { Grid } from './grid.tsx'
import { capWord, clock, hourNow, maxRules, maxText, parseWeek, windowWord, writeWeek, type Kept, type Week } from './week.ts'

type Policy = Schemas['Explained']

const words = text.swarm
const keys = { caps: 'wan_cap_hours', windows: 'windows' } as const

/** A setting as it is being changed: as text, and as the hours that it last meant. */
interface Draft {
  text: string
  week: Week
  error?: string
}

const settingOf = (policy: Policy, key: string) => (policy.settings ?? []).find((s) => s.key === key)

function read(written: string, kept: Kept, rest: string, before?: Week): Draft {
  try {
    const week = parseWeek(written, kept, rest)
    const rules = written.split(';').length
    const error = written.length > maxText ? words.tooLong(written.length, maxText) : rules > maxRules ? words.tooLong(rules, maxRules) : undefined
    return { text: written, week, error }
  } catch (e) {
    return { text: written, week: before ?? Array.from({ length: 168 }, () => rest), error: (e as Error).message }
  }
}

const readCaps = (written: string, before?: Week): Draft => read(written, capWord, 'none', before)
const readWindows = (written: string, before?: Week): Draft => read(written, windowWord, 'open', before)

export function Hours({ site, policy, again }: { site: string; policy: Policy; again: () => void }) {
  const [caps, windows] = [settingOf(policy, keys.caps), settingOf(policy, keys.windows)]
  const [savedCaps, savedWindows] = [caps?.value || 'none', windows?.value || 'open']
  const [draft, setDraft] = useState(() => ({ caps: readCaps(savedCaps), windows: readWindows(savedWindows) }))
  useEffect(() => setDraft({ caps: readCaps(savedCaps), windows: readWindows(savedWindows) }), [savedCaps, savedWindows])
  const may = useMay('operator')
  const about = useAsked(`site ${site}`, () => body(api.GET('/api/v1/sites/{name}', { params: { path: { name: site } } })))
  const zone = about.data?.tz || 'UTC'
  const now = hourNow(new Date(useNow(20_000)), zone)
  const changes = [
    ...(draft.caps.text === savedCaps ? [] : [{ key: keys.caps, value: draft.caps.text }]),
    ...(draft.windows.text === savedWindows ? [] : [{ key: keys.windows, value: draft.windows.text }]),
  ]
  const here = [caps, windows].filter((s) => s?.level === 'site').map((s) => ({ key: s!.key, value: '' }))
  const cap = settingOf(policy, 'wan_cap')?.value
  return (
    <section className="card">
      <div className="heading"><h2>{words.hours}</h2><span className="soft">{words.zone(zone, `${words.dayNames[Math.floor(now / 24)]} ${clock(now % 24)}`)}</span></div>
      <p className="soft">{words.hoursNote}{cap && cap !== 'none' && <> {words.also(cap)}</>}{!may && <> {words.seeOnly}</>}</p>
      <div className="hours">
        <Grid caps={draft.caps.week} windows={draft.windows.week} now={now} paint={may ? (next) => setDraft((was) => ({
          caps: next.caps ? readCaps(writeWeek(next.caps)) : was.caps, windows: next.windows ? readWindows(writeWeek(next.windows)) : was.windows,
        })) : undefined} />
        <div className="hours-text">
          <Typed label={words.caps} hint={words.capsHint} draft={draft.caps} by={caps} may={may} set={(t) => setDraft((was) => ({ ...was, caps: readCaps(t, was.caps.week) }))} />
          <Typed label={words.windows} hint={words.windowsHint} draft={draft.windows} by={windows} may={may} set={(t) => setDraft((was) => ({ ...was, windows: readWindows(t, was.windows.week) }))} />
          {may && <Save site={site} changes={changes} here={here} faulty={draft.caps.error !== undefined || draft.windows.error !== undefined} again={again}
            undo={() => setDraft({ caps: readCaps(savedCaps), windows: readWindows(savedWindows) })} />}
        </div>
      </div>
    </section>
  )
}

function Typed({ label, hint, draft, by, may, set }: { label: string; hint: string; draft: Draft; by?: { level?: string; subject?: string }; may: boolean; set: (written: string) => void }) {
  return (
    <Field label={label} hint={hint}>
      <textarea rows={3} spellCheck={false} readOnly={!may} value={draft.text} aria-invalid={draft.error !== undefined} onChange={(e) => set(e.target.value)} />
      <span className="soft hint">{words.says(by?.level ?? '', by?.subject ?? '')}</span>
      {draft.error && <span className="fault" role="alert">{draft.error}</span>}
    </Field>
  )
}

interface SaveProps {
  site: string
  changes: { key: string; value: string }[]
  /** What takes back all that is set for this site. */
  here: { key: string; value: string }[]
  faulty: boolean
  again: () => void
  undo: () => void
}

function Save({ site, changes, here, faulty, again, undo }: SaveProps) {
  const [busy, setBusy] = useState(false)
  const [done, setDone] = useState(false)
  const [error, setError] = useState<Error>()
  const save = (what: SaveProps['changes']) => {
    setBusy(true)
    setError(undefined)
    setDone(false)
    body(api.PUT('/api/v1/settings', { body: { level: 'site', subject: site, changes: what } }))
      .then(() => { setDone(true); again() }, setError).finally(() => setBusy(false))
  }
  return (
    <>
      <div className="actions">
        <button type="button" className="main" disabled={busy || faulty || changes.length === 0} onClick={() => save(changes)}>{words.save}</button>
        <button type="button" disabled={busy || changes.length === 0} onClick={undo}>{words.undo}</button>
        {here.length > 0 && <button type="button" className="quiet" disabled={busy} onClick={() => save(here)}>{words.takeBack}</button>}
      </div>
      <p role="status" className="soft">{changes.length > 0 ? words.unsaved : done ? words.saved : ''}</p>
      {error && <Failure error={error} />}
    </>
  )
}
