// What can be done to flows: pause, resume, another priority, a cap. A click asks the server, and
// what is shown changes when the server says that it did; how long that took is told.

import { useEffect, useRef, useState, type FormEvent } from 'react'
import { api, body } from '../api.ts'
import { rate } from '../format.ts'
import { flowKey, type Flow } from '../live.ts'
import { parseRate } from '../rate.ts'
import { text } from '../text.ts'
import { Failure } from './bits.tsx'

/** An action, and how it is seen that a flow follows. */
interface Action {
  name: string
  ask: (f: Flow) => Promise<unknown>
  follows: (f: Flow) => boolean
}

interface Asked {
  action: Action
  keys: ReadonlySet<string>
  since: number // on the clock of performance.now
  took?: number // milliseconds
  late?: boolean
}

/** After so long it is said how many do not follow yet. */
const patience = 10_000

/** So many requests are under way at a time. */
const atOnce = 6

const target = (f: Flow) => ({ site: f.site, content: f.content, version: f.version })

const pause: Action = {
  name: text.flows.pause,
  ask: (f) => body(api.POST('/api/v1/rules', { body: { kind: 'pause', ...target(f) } })),
  follows: (f) => f.paused_by !== '' || f.state === 'complete',
}

const resume: Action = {
  name: text.flows.resume,
  ask: (f) => body(api.POST('/api/v1/rules/resume', { body: target(f) })),
  follows: (f) => f.paused_by === '',
}

const prioritize = (priority: 'high' | 'normal' | 'low'): Action => ({
  name: `${text.flows.priority}: ${text.priorities[priority]}`,
  ask: (f) => body(api.POST('/api/v1/rules', { body: { kind: 'priority', priority, ...target(f) } })),
  follows: (f) => f.priority === priority,
})

/** The API has bytes per second, and flows bits: so they may differ by less than a byte. */
const capAt = (bps: number): Action => ({
  name: text.travel.capped(rate(bps)),
  ask: (f) => body(api.POST('/api/v1/rules', { body: { kind: 'cap', cap_bytes_per_second: Math.floor(bps / 8), ...target(f) } })),
  follows: (f) => f.cap_bps !== undefined && Math.abs(f.cap_bps - bps) < 8,
})

/** Caps of these flows end. One that holds for the whole site or content does not: then it is said that theirs is another. */
const uncap = (chosen: readonly Flow[]): Action => {
  const before = new Map(chosen.map((f) => [flowKey(f), f.capped_by]))
  return {
    name: text.travel.uncap,
    ask: (f) => body(api.POST('/api/v1/rules/uncap', { body: target(f) })),
    follows: (f) => f.cap_bps === undefined || f.capped_by !== before.get(flowKey(f)),
  }
}

/** Does something for each of many, a few at a time; the first failure ends it. */
async function each<T>(all: readonly T[], todo: (one: T) => Promise<unknown>): Promise<void> {
  const rest = [...all]
  await Promise.all(Array.from({ length: atOnce }, async () => {
    for (let one = rest.shift(); one !== undefined; one = rest.shift()) {
      try {
        await todo(one)
      } catch (error) {
        rest.length = 0
        throw error
      }
    }
  }))
}

export function Controls({ chosen, clear }: { chosen: readonly Flow[]; clear: () => void }) {
  const [asked, setAsked] = useState<Asked>()
  const [error, setError] = useState<Error>()
  const flows = useRef(chosen)
  flows.current = chosen
  const pending = asked && asked.took === undefined ? chosen.filter((f) => asked.keys.has(flowKey(f)) && !asked.action.follows(f)) : []
  useEffect(() => {
    if (asked && asked.took === undefined && chosen.length > 0 && pending.length === 0) setAsked({ ...asked, took: performance.now() - asked.since })
  }, [asked, chosen, pending.length])
  useEffect(() => {
    if (asked === undefined || asked.took !== undefined) return
    const timer = setTimeout(() => setAsked({ ...asked, late: true }), patience)
    return () => clearTimeout(timer)
  }, [asked])
  const act = (action: Action) => {
    setError(undefined)
    setAsked({ action, keys: new Set(chosen.map(flowKey)), since: performance.now() })
    each(chosen, action.ask).catch((e: Error) => {
      setError(e)
      setAsked(undefined)
    })
  }
  if (chosen.length === 0 && error === undefined) return null
  return (
    <div className="controls" role="toolbar" aria-label={text.flows.selected(chosen.length)}>
      <strong>{text.flows.selected(chosen.length)}</strong>
      <button type="button" onClick={() => act(pause)}>{text.flows.pause}</button>
      <button type="button" onClick={() => act(resume)}>{text.flows.resume}</button>
      <label>{text.flows.priority}<select value="" onChange={(e) => act(prioritize(e.target.value as 'high' | 'normal' | 'low'))}>
        <option value="" disabled>…</option>
        {(['high', 'normal', 'low'] as const).map((p) => <option key={p} value={p}>{text.priorities[p]}</option>)}
      </select></label>
      <Cap cap={(bps) => act(capAt(bps))} />
      <button type="button" onClick={() => act(uncap(chosen))}>{text.travel.uncap}</button>
      <button type="button" className="quiet" onClick={() => { clear(); setAsked(undefined); setError(undefined) }}>{text.flows.clear}</button>
      <span role="status" className="soft">{asked && said(asked, pending.length)}</span>
      {error && <Failure error={error} />}
    </div>
  )
}

/** A rate is typed, and set by Enter or the button. */
function Cap({ cap }: { cap: (bps: number) => void }) {
  const [typed, setTyped] = useState('')
  const [wrong, setWrong] = useState(false)
  const set = (e: FormEvent) => {
    e.preventDefault()
    const bps = parseRate(typed)
    setWrong(bps === undefined)
    if (bps !== undefined) cap(bps)
  }
  return (
    <form className="cap" onSubmit={set}>
      <input value={typed} placeholder={text.travel.capHint} aria-label={text.travel.capWhat} title={text.travel.capWhat} aria-invalid={wrong} aria-describedby={wrong ? 'cap-wrong' : undefined} autoComplete="off" onChange={(e) => { setTyped(e.target.value); setWrong(false) }} />
      <button>{text.travel.cap}</button>
      {wrong && <span id="cap-wrong" role="alert" className="wrong">{text.travel.capWrong}</span>}
    </form>
  )
}

function said({ action, keys, took, late }: Asked, pending: number): string {
  if (took !== undefined) return text.flows.done(action.name, took)
  return late ? text.flows.slow(action.name, pending) : text.flows.asked(action.name, keys.size)
}
