// What a proposal is about, in words.

import type { Schemas } from './api.ts'
import { time } from './format.ts'
import { text } from './text.ts'

export type Proposal = Schemas['Proposal']

const words = text.endpoint.proposals

/** What would be done, and then how, one thing after another. */
export function says({ distribution: d, activation }: Proposal, zone?: string): { what: string; how: string[] } {
  const ref = `${d.name}@${d.version}`
  if (activation) return { what: words.activate(ref), how: [used(activation, zone)] }
  const how: string[] = []
  if (d.all) how.push(words.all)
  if (d.target) how.push(words.query(d.target))
  if (d.sites?.length) how.push(words.named(d.sites.join(', ')))
  if (d.replaces) how.push(words.back(d.replaces))
  if (d.rings?.length) how.push(words.rings(d.rings.map((r) => r.name).join(', ')))
  how.push(words.priority(d.priority || 'normal'))
  if (d.pre_stage) how.push(words.copies(d.pre_stage))
  if (d.ready_by) how.push(words.readyBy(time(d.ready_by, zone)))
  if (d.not_before) how.push(words.notBefore(time(d.not_before, zone)))
  if (d.activate) how.push(used(d, zone))
  return { what: words.distribute(ref), how }
}

function used({ activate, activate_at }: { activate?: string; activate_at?: string }, zone?: string): string {
  if (activate === 'hold') return words.held
  return activate_at ? words.from(time(activate_at, zone)) : words.atOnce
}
