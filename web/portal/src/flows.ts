// What is made of flows before they are shown.

import type { Flow } from './live.ts'

export type Group = 'flat' | 'site' | 'content'

/** Whether a flow is in a state, or in any, and every word typed is in one of its names. */
export function matching(typed: string, state: string): (f: Flow) => boolean {
  const words = typed.toLowerCase().split(/\s+/).filter((word) => word !== '')
  return (f) => {
    if (state !== '' && f.state !== state) return false
    if (words.length === 0) return true
    const names = `${f.site} ${f.content}@${f.version}`.toLowerCase()
    return words.every((word) => names.includes(word))
  }
}

/** What wants attention most stands for a group. */
const worst = ['failed', 'halted', 'running', 'waiting', 'paused', 'complete']

/** One line for all flows of a site, or of a content: sums, and the state that wants attention most. */
export function grouped(flows: readonly Flow[], by: 'site' | 'content'): Flow[] {
  const groups = new Map<string, Flow>()
  for (const f of flows) {
    const sum = groups.get(f[by])
    if (sum === undefined) {
      groups.set(f[by], { ...f, version: '', reason: '', paused_by: '', [by === 'site' ? 'content' : 'site']: '' })
      continue
    }
    for (const n of ['bytes_origin', 'bytes_peer', 'bytes_relay', 'bytes_reused', 'bytes_total', 'wan_bytes', 'wan_bps', 'peer_bps', 'endpoints', 'complete'] as const) sum[n] += f[n]
    sum.eta_seconds = Math.max(sum.eta_seconds, f.eta_seconds)
    if (worst.indexOf(f.state) < worst.indexOf(sum.state)) sum.state = f.state
  }
  return [...groups.values()]
}
