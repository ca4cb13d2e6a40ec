// Looking back: the time that is looked at, and where one gets by a step. Pure; hooks are in looking.ts.

export interface Span {
  from: number // milliseconds since 1970
  to: number
}

/** How far one can look back, as the server says it. */
export interface Told {
  spans?: readonly { from: string; to: string }[] | null
}

const day = 86_400_000
/** Pictures are this far apart at least. */
export const grain = 10_000

export const spansOf = (told: Told): Span[] => (told.spans ?? []).map(({ from, to }) => ({ from: Date.parse(from), to: Date.parse(to) }))

/** The time in an address; nothing where that says none, or none that there could be. */
export function parseAt(text: string | null, now: number): number | undefined {
  if (text === null || text === '') return undefined
  const at = Date.parse(text)
  return Number.isFinite(at) && at > now - 365 * day && at <= now + grain ? at : undefined
}

/** A time as addresses have it: to the second, and not before it, as nothing was recorded before the first picture. */
export const written = (at: number): string => new Date(Math.ceil(at / 1000) * 1000).toISOString().replace(/\.\d+Z$/, 'Z')

/** The nearest time of which there is a picture; nothing where there is none. */
export function nearest(spans: readonly Span[], at: number): number | undefined {
  let best: number | undefined
  for (const { from, to } of spans) {
    const here = Math.min(Math.max(at, from), to)
    if (best === undefined || Math.abs(here - at) < Math.abs(best - at)) best = here
  }
  return best
}

/**
 * Where one gets from a time by a step. A gap is stepped over in the direction that is gone.
 * Nothing: it leads beyond the newest picture, to now.
 */
export function stepped(spans: readonly Span[], at: number, by: number): number | undefined {
  const first = spans[0]
  const last = spans.at(-1)
  if (first === undefined || last === undefined) return undefined
  const to = at + by
  if (to <= first.from) return first.from
  if (to > last.to) return undefined
  const inside = spans.find((s) => to >= s.from && to <= s.to)
  if (inside !== undefined) return to
  return by > 0 ? spans.find((s) => s.from > to)?.from : [...spans].reverse().find((s) => s.to < to)?.to
}
