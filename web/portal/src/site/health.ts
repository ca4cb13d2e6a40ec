// How an endpoint is, in few words.

import type { Endpoint } from '../live.ts'
import { text } from '../text.ts'
import type { Member } from './swarm.ts'

export interface Health {
  /** good: nothing is the matter. warn: it does without something. wrong: it can't go on, or is not to be believed. */
  is: 'good' | 'warn' | 'wrong'
  words: readonly string[]
}

/** What is the matter with an endpoint, the worst first. */
export function healthOf(e: Endpoint, m: Member | undefined): Health {
  const wrong = [
    ...(e.reported_by ?? []).map((by) => text.swarm.reported(by)),
    ...(e.flows ?? []).filter((f) => (f.code ?? '') !== '').map((f) => `${f.flow}: ${f.error || f.code}`),
    ...(e.activation && bad.has(e.activation.state) ? [`${e.activation.version ?? e.activation.content}: ${e.activation.state.replaceAll('_', ' ')}`] : []),
  ]
  const warn = [...(e.restraints ?? []).map(said), ...(m?.battery && !(e.restraints ?? []).some((r) => r.startsWith('battery')) ? [text.swarm.battery] : [])]
  const good = [...(e.activation && !bad.has(e.activation.state) ? [`${e.activation.version ?? ''} ${e.activation.state.replaceAll('_', ' ')}`.trim()] : []), ...(m?.wireless ? [text.swarm.wireless] : [])]
  if (wrong.length > 0) return { is: 'wrong', words: [...wrong, ...warn] }
  if (warn.length > 0) return { is: 'warn', words: warn }
  return { is: 'good', words: good.length > 0 ? good : [text.swarm.healthy] }
}

/** States of an activation in which something went wrong. */
const bad: ReadonlySet<string> = new Set(['failed', 'rolled_back', 'unhealthy'])

/** Of "CODE: why" the why. */
const said = (restraint: string): string => restraint.replace(/^[a-z_]+: /, '')
