// What a line to the WAN did in the last minutes, as it was seen by who looked.

import { wanOf, type Rates, type Swarm } from './swarm.ts'

/** A line at a time. */
export interface Moment {
  at: number // seconds since 1970
  wan: number // bits per second that were taken
  allowed: number | null // bits per second that its governor allows; null: nothing is governed
  delay: number | null // milliseconds that were added; null: not measured
}

export type Histories = ReadonlyMap<string, readonly Moment[]> // by egress

/** How many moments are kept of a line: five minutes and a bit. */
export const maxMoments = 320

/** The histories with what is seen now. */
export function noted(before: Histories, swarm: Swarm, rates: Rates): Histories {
  const at = Date.parse(swarm.at) / 1000
  const egresses = new Set([...before.keys(), ...swarm.lines.map((l) => l.egress), ...swarm.endpoints.filter((e) => e.fetches).map((e) => e.egress)])
  return new Map([...egresses].sort().map((egress) => {
    const line = swarm.lines.find((l) => l.egress === egress)
    const governed = line !== undefined && (line.state ?? '') !== '' && line.rate_bps >= 0
    const moment: Moment = { at, wan: wanOf(swarm, rates, egress), allowed: governed ? line.rate_bps : null, delay: line?.added_delay_p95_ms ?? null }
    return [egress, [...(before.get(egress) ?? []).filter((m) => m.at < at), moment].slice(-maxMoments)]
  }))
}
