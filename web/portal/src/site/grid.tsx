// The hours of a week as a grid that is painted with mouse, finger or keys.

import { useRef, useState, type KeyboardEvent, type PointerEvent } from 'react'
import { text } from '../text.ts'
import { between, bitsOf, capWord, clock, painted, step, type Week } from './week.ts'

const words = text.swarm

type Kind = 'closed' | 'open' | 'cap' | 'none'
const kinds: Kind[] = ['closed', 'open', 'cap', 'none']

interface Weeks {
  caps: Week
  windows: Week
}

interface Props extends Weeks {
  now: number
  /** Takes what was painted; absent: it is only for looking. */
  paint?: (changed: Partial<Weeks>) => void
}

/** What an hour is painted with: which week, and the value. */
interface Paint {
  week: keyof Weeks
  value: string
}

const rowOf = (hour: number): number[] => Array.from({ length: 24 }, (_, i) => hour - (hour % 24) + i)
const columnOf = (hour: number): number[] => Array.from({ length: 7 }, (_, i) => (hour % 24) + 24 * i)

/** The hour that a pointer is at: where a finger drags, the cell that it began on has all its events. */
function hourAt(e: PointerEvent): number | undefined {
  const found = document.elementFromPoint(e.clientX, e.clientY)?.closest<HTMLElement>('[data-hour]')
  return found?.dataset.hour === undefined ? undefined : Number(found.dataset.hour)
}

/** Paints with what the brush is, by mouse, finger or keys. */
function usePainting(weeks: Weeks, first: number, brush: Paint | undefined, paint: Props['paint']) {
  const [at, setAt] = useState(first)
  const drag = useRef<{ from: number; to: number; before: Weeks; with: Paint }>(undefined)
  /** On an hour that is as the brush would make it, the opposite: so a second touch takes back the first. */
  const touch = (hour: number): Paint | undefined => brush && (weeks[brush.week][hour] !== brush.value ? brush : { week: brush.week, value: brush.week === 'windows' ? (brush.value === 'open' ? 'closed' : 'open') : 'none' })
  const put = (on: Weeks, hours: readonly number[], p: Paint | undefined) => {
    if (p !== undefined) paint?.({ [p.week]: painted(on[p.week], hours, p.value) })
  }
  const onKeyDown = (e: KeyboardEvent<HTMLElement>) => {
    const next = step(at, e.key)
    if (next !== undefined) {
      if (e.shiftKey) put(weeks, [at, next], brush)
      setAt(next)
      e.currentTarget.querySelector<HTMLElement>(`[data-hour="${next}"]`)?.focus()
    } else if (e.key === ' ' || e.key === 'Enter') put(weeks, e.shiftKey ? rowOf(at) : e.ctrlKey ? columnOf(at) : [at], touch(at))
    else return
    e.preventDefault()
  }
  const onPointerDown = (e: PointerEvent) => {
    const hour = hourAt(e)
    if (hour === undefined) return
    setAt(hour)
    const p = touch(hour)
    if (e.button !== 0 || paint === undefined || p === undefined) return
    drag.current = { from: hour, to: hour, before: weeks, with: p }
    put(weeks, [hour], p)
  }
  const onPointerMove = (e: PointerEvent) => {
    const d = drag.current
    const hour = hourAt(e)
    if (d === undefined || hour === undefined || hour === d.to) return
    d.to = hour
    put(d.before, between(d.from, hour), d.with)
  }
  const end = () => { drag.current = undefined }
  return { at, all: (hours: readonly number[]) => put(weeks, hours, touch(hours[0]!)), events: { onKeyDown, onPointerDown, onPointerMove, onPointerUp: end, onPointerCancel: end, onPointerLeave: end } }
}

export function Grid({ caps, windows, now, paint }: Props) {
  const [kind, setKind] = useState<Kind>('closed')
  const [rate, setRate] = useState('2mbit')
  const word = capWord(rate.trim().toLowerCase())
  const brush: Paint | undefined = kind === 'closed' || kind === 'open' ? { week: 'windows', value: kind } : kind === 'none' ? { week: 'caps', value: 'none' } : word === undefined ? undefined : { week: 'caps', value: word }
  const weeks = { caps, windows }
  const { at, all, events } = usePainting(weeks, now, brush, paint)
  const head = (name: string, label: string, hours: readonly number[]) =>
    paint ? <button type="button" className="quiet" tabIndex={-1} aria-label={label} onClick={() => all(hours)}>{name}</button> : name
  return (
    <div>
      {paint && <Brushes kind={kind} setKind={setKind} rate={rate} setRate={setRate} bad={kind === 'cap' && word === undefined} />}
      <div className="wide">
        <table className="week" role="grid" aria-label={words.grid} aria-readonly={paint === undefined} {...events}>
          <thead><tr><td />{rowOf(0).map((h) => <th key={h} scope="col">{head(String(h).padStart(2, '0'), words.paintHour(clock(h)), columnOf(h))}</th>)}</tr></thead>
          <tbody>
            {words.dayNames.map((day, d) => (
              <tr key={day}>
                <th scope="row">{head(words.dayShort[d]!, words.paintDay(day), rowOf(24 * d))}</th>
                {rowOf(24 * d).map((hour) => <Cell key={hour} hour={hour} weeks={weeks} is={at === hour} now={now === hour} />)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {paint && <p className="soft hint">{words.keys}</p>}
    </div>
  )
}

function Brushes({ kind, setKind, rate, setRate, bad }: { kind: Kind; setKind: (k: Kind) => void; rate: string; setRate: (r: string) => void; bad: boolean }) {
  return (
    <fieldset className="brushes">
      <legend>{words.brush}</legend>
      {kinds.map((k) => (
        <span key={k} className="brush">
          <label><input type="radio" name="brush" checked={kind === k} onChange={() => setKind(k)} />{words.brushes[k]}</label>
          {k === 'cap' && <input type="text" aria-label={words.brushRate} aria-invalid={bad} value={rate} size={8} spellCheck={false} onFocus={() => setKind('cap')} onChange={(e) => setRate(e.target.value)} />}
        </span>
      ))}
      {bad && <span className="fault" role="alert">{words.badRate}</span>}
    </fieldset>
  )
}

function Cell({ hour, weeks, is, now }: { hour: number; weeks: Weeks; is: boolean; now: boolean }) {
  const [closed, cap] = [weeks.windows[hour] === 'closed', weeks.caps[hour] ?? 'none']
  const bits = bitsOf(cap)
  const what = closed ? words.closed : bits === undefined ? words.free : words.capped(cap)
  const h = hour % 24
  const look = closed || bits === 0 ? 'shut' : bits === undefined ? 'free' : `capped c${shade(bits)}`
  return (
    <td role="gridcell" data-hour={hour} tabIndex={is ? 0 : -1} className={now ? `${look} now` : look} aria-current={now ? 'time' : undefined}
      aria-label={words.cell(words.dayNames[Math.floor(hour / 24)]!, clock(h), clock((h + 1) % 24), what, now)} title={what}>
      {closed ? '×' : bits === undefined ? '' : shortRate(bits)}
    </td>
  )
}

/** A rate that fits in a cell: 2M, 500k. */
function shortRate(bits: number): string {
  for (const [n, unit] of [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']] as const) if (bits >= n) return `${Number((bits / n).toPrecision(2))}${unit}`
  return String(bits)
}

/** The less is allowed, the darker: 1 from 10 Mbit/s on, 2 from 1 Mbit/s on, 3 below. */
const shade = (bits: number): number => (bits >= 1e7 ? 1 : bits >= 1e6 ? 2 : 3)
