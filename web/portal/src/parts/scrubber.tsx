// Looking back: a bar for the time that a page shows. While it is another one than now, the
// bar says so wherever the page is scrolled to.

import { useEffect, useState } from 'react'
import { api, body, usePolled } from '../api.ts'
import { ago, time } from '../format.ts'
import { useAt, useLookAt } from '../looking.ts'
import { useNow } from '../now.ts'
import { grain, nearest, spansOf, stepped, type Span } from '../past.ts'
import { text } from '../text.ts'

const spansEvery = 10_000 // milliseconds
const minute = 60_000
/** How much faster than it was the past is played, and how often it moves on. */
const speed = 60
const playEvery = 1000

/** Steps in minutes. */
const back = [[-60, text.travel.hourBack], [-10, text.travel.tenBack], [-1, text.travel.oneBack]] as const
const on = [[1, text.travel.oneOn], [10, text.travel.tenOn], [60, text.travel.hourOn]] as const

/** The zone of who looks, which times are in. */
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone

/** `busy`: what was at the time is not there yet. */
export function Scrubber({ busy = false }: { busy?: boolean }) {
  const at = useAt()
  const look = useLookAt()
  const now = useNow()
  const asked = usePolled('history', spansEvery, () => body(api.GET('/api/v1/history')))
  if (asked.data === undefined) return null
  const spans = spansOf(asked.data)
  if (at === undefined) return <Offer recorded={asked.data.recorded} spans={spans} look={look} now={now} />
  return <Bar at={at} spans={spans} busy={busy} now={now} look={look} />
}

interface Props {
  spans: readonly Span[]
  look: (at: number | undefined) => void
  now: number
}

/** What is there while the page shows how things stand now. */
function Offer({ recorded, spans, look, now }: Props & { recorded: boolean }) {
  const start = nearest(spans, now - 5 * minute)
  if (!recorded) return <p className="soft">{text.travel.off}</p>
  return (
    <div className="look">
      <button type="button" disabled={start === undefined} onClick={() => look(start)}>{text.travel.look}</button>
      <span className="soft">{spans[0] === undefined ? text.travel.soon : text.travel.since(ago(new Date(spans[0].from).toISOString(), now))}</span>
    </div>
  )
}

function Bar({ at, spans, busy, now, look }: Props & { at: number; busy: boolean }) {
  const [playing, setPlaying] = useState(false)
  // The thumb follows the hand at once; what was then is asked for when it rests.
  const [held, setHeld] = useState<number>()
  const shown = held ?? at
  const first = spans[0]?.from ?? at
  useEffect(() => {
    if (held === undefined) return
    const timer = setTimeout(() => { look(nearest(spans, held)); setHeld(undefined) }, 150)
    return () => clearTimeout(timer)
  }, [held])
  useEffect(() => {
    if (!playing || busy) return
    const timer = setTimeout(() => {
      const next = stepped(spans, at, speed * playEvery)
      if (next === undefined) setPlaying(false)
      look(next)
    }, playEvery)
    return () => clearTimeout(timer)
  }, [playing, busy, at])
  const go = (by: number) => { setPlaying(false); look(stepped(spans, at, by)) }
  const when = time(new Date(shown).toISOString(), zone)
  return (
    <section className="travel" aria-label={text.travel.title}>
      <p role={playing ? undefined : 'status'}><strong>{text.travel.asItWas(when)}</strong> <span className="soft">{ago(new Date(shown).toISOString(), now)}. {busy ? text.loading : text.travel.still}</span></p>
      <div className="travel-line">
        <input type="range" aria-label={text.travel.time} aria-valuetext={when} min={first} max={Math.max(now, at)} step={grain} value={shown}
          onChange={(e) => { setPlaying(false); setHeld(Number(e.target.value)) }} />
        <Gaps spans={spans} first={first} last={Math.max(now, at)} />
      </div>
      <div className="travel-steps">
        {back.map(([by, label]) => <Step key={by} by={by} label={label} go={go} />)}
        <button type="button" aria-pressed={playing} onClick={() => setPlaying(!playing)}>{playing ? text.travel.stop : text.travel.play(speed)}</button>
        {on.map(([by, label]) => <Step key={by} by={by} label={label} go={go} />)}
        <button type="button" className="now" onClick={() => look(undefined)}>{text.travel.now}</button>
      </div>
    </section>
  )
}

function Step({ by, label, go }: { by: number; label: string; go: (ms: number) => void }) {
  return <button type="button" className={Math.abs(by) === 60 ? 'far' : undefined} onClick={() => go(by * minute)}>{label}</button>
}

/** Where there are pictures, under the line. */
function Gaps({ spans, first, last }: { spans: readonly Span[]; first: number; last: number }) {
  const part = (ms: number) => (100 * ms) / Math.max(last - first, 1)
  return (
    <svg className="travel-spans" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
      <rect className="rest" width="100" height="4" />
      {spans.map((s) => <rect key={s.from} className="there" x={part(s.from - first)} width={part(s.to - s.from)} height="4" />)}
    </svg>
  )
}
