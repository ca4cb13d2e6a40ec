// What a swarm does, from how it looked at several times: the server tells what was carried
// so far, and rates are made of it here.

import type { Schemas } from '../api.ts'

export type Swarm = Schemas['SwarmView']
export type Member = Schemas['SwarmEndpoint']
export type SwarmLink = Schemas['SwarmLink']

/** Rates of an endpoint, in bits per second. */
export interface Takes {
  wan: number
  peer: number
  relay: number
}

/** Rates of a link each way; undefined where neither end says. */
export interface Carries {
  aToB?: number
  bToA?: number
}

export interface Rates {
  endpoints: ReadonlyMap<string, Takes>
  links: ReadonlyMap<string, Carries> // by linkKey
}

/** Over how many milliseconds rates are measured: endpoints say once a second what they have. */
const span = 4000
/** How many looks are kept. */
const maxKept = 12

/** The looks that rates are made of, with a new one. What is of another site is dropped, and so is what came out of order. */
export function look(kept: readonly Swarm[], next: Swarm): readonly Swarm[] {
  const at = Date.parse(next.at)
  const fit = kept.filter((s) => s.site === next.site && Date.parse(s.at) < at && Date.parse(s.at) >= at - 2 * span)
  return [...fit, next].slice(-maxKept)
}

/** A name of a link that stays while its ends do. */
export const linkKey = (a: string, b: string): string => `${a} ${b}`

const nothing: Takes = { wan: 0, peer: 0, relay: 0 }

/** The rates between the newest look and the one about a span before. Who was not there then, or began anew, has none yet. */
export function ratesOf(kept: readonly Swarm[]): Rates {
  const endpoints = new Map<string, Takes>()
  const links = new Map<string, Carries>()
  const now = kept.at(-1)
  const was = now && kept.find((s) => Date.parse(s.at) >= Date.parse(now.at) - span)
  if (now === undefined || was === undefined) return { endpoints, links }
  const seconds = (Date.parse(now.at) - Date.parse(was.at)) / 1000
  const bps = (is: number, before: number): number => (seconds > 0 && is > before ? (8 * (is - before)) / seconds : 0)
  const before = new Map(was.endpoints.map((e) => [e.id, e]))
  for (const e of now.endpoints) {
    const b = before.get(e.id)
    endpoints.set(e.id, b === undefined || b.since !== e.since ? nothing
      : { wan: bps(e.wan_bytes, b.wan_bytes), peer: bps(e.bytes.peer, b.bytes.peer), relay: bps(e.bytes.relay, b.bytes.relay) })
  }
  const carried = new Map(was.links.map((l) => [keyOf(was, l), l]))
  for (const l of now.links) {
    const key = keyOf(now, l)
    const b = carried.get(key)
    const one = (is?: number, then?: number): number | undefined => (is === undefined ? undefined : then === undefined ? 0 : bps(is, then))
    if (l.up) links.set(key, { aToB: one(l.a_to_b_bytes, b?.a_to_b_bytes), bToA: one(l.b_to_a_bytes, b?.b_to_a_bytes) })
  }
  return { endpoints, links }
}

/** The name of a link of a look. */
export function keyOf(of: Swarm, l: SwarmLink): string {
  return linkKey(of.endpoints[l.a]?.id ?? '', of.endpoints[l.b]?.id ?? '')
}

/** What all behind a line take over the WAN, in bits per second. */
export function wanOf(swarm: Swarm, rates: Rates, egress: string): number {
  return swarm.endpoints.reduce((sum, e) => sum + (e.egress === egress ? rates.endpoints.get(e.id)?.wan ?? 0 : 0), 0)
}
