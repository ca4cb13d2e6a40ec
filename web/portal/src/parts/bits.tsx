// Small things that pages are made of.

import type { ReactNode } from 'react'
import { rate, share, size } from '../format.ts'
import type { Asked, Refusal } from '../api.ts'
import type { Flow, Link } from '../live.ts'
import { hold, useHeld } from '../live.ts'
import { text } from '../text.ts'

/** What went wrong, and what to do about it. */
export function Failure({ error, again }: { error: Error; again?: () => void }) {
  const hint = (error as Refusal).hint
  return (
    <div className="failure" role="alert">
      <strong>{text.error.title}</strong>
      <p>{error.message}</p>
      {hint && <p className="soft">{hint}</p>}
      {again && <button type="button" onClick={again}>{text.error.again}</button>}
    </div>
  )
}

/** Shows what was asked for, once it is there. */
export function Answer<T>({ asked, children }: { asked: Asked<T>; children: (data: T) => ReactNode }) {
  if (asked.error) return <Failure error={asked.error} again={asked.again} />
  if (asked.data === undefined) return <p className="soft" aria-busy="true">{text.loading}</p>
  return children(asked.data)
}

/** Says how fresh what is shown is, and lets it be held. */
export function Freshness({ link, error }: { link: Link; error?: Error }) {
  const held = useHeld()
  return (
    <div className="freshness">
      <span className={`dot ${held ? 'held' : link}`} aria-hidden="true" />
      <span role="status">{held ? text.link.held : error ? `${text.link.refused}: ${error.message}` : text.link[link]}</span>
      <button type="button" className="quiet" aria-pressed={held} onClick={() => hold.set(!held)}>{held ? text.link.release : text.link.hold}</button>
    </div>
  )
}

export function State({ of }: { of: string }) {
  return <span className={`state ${of}`}>{text.states[of] ?? of}</span>
}

/** How much of a flow all its endpoints have together, and where it came from. */
export function Progress({ flow }: { flow: Flow }) {
  const whole = flow.bytes_total
  const parts = [
    ['reused', flow.bytes_reused], ['peer', flow.bytes_peer], ['relay', flow.bytes_relay], ['origin', flow.bytes_origin],
  ] as const
  const got = Math.min(whole, parts.reduce((sum, [, n]) => sum + n, 0))
  const words = parts.filter(([, n]) => n > 0).map(([source, n]) => `${size(n)} ${text.sources[source]}`).join(', ')
  return (
    <span className="progress" title={words}>
      <svg viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label={`${share(got, whole)}: ${words}`}>
        <rect className="rest" width="100" height="6" />
        {whole > 0 && parts.reduce<{ at: number; bars: ReactNode[] }>(({ at, bars }, [source, n]) => {
          const width = Math.min(100 - at, (100 * n) / whole)
          return { at: at + width, bars: width > 0 ? [...bars, <rect key={source} className={source} x={at} width={width} height="6" />] : bars }
        }, { at: 0, bars: [] }).bars}
      </svg>
      <span className="figure">{share(got, whole)}</span>
    </span>
  )
}

/** A figure that is read from afar. */
export function Figure({ label, value, more }: { label: string; value: string; more?: string }) {
  return (
    <div className="card figure-card">
      <dt>{label}</dt>
      <dd>{value}</dd>
      {more && <dd className="soft">{more}</dd>}
    </div>
  )
}

/** A rate where something moves. */
export const moving = (bps: number): string => (bps > 0 ? rate(bps) : '–')
