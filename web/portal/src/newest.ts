// The newest events: what people did, and what became of flows. Pure.

import type { Schemas } from './api.ts'

type Entry = Schemas['Entry']
type Change = Schemas['StateChange']

/** Something that happened: somebody did something, or flows came to be in another state. */
export type Happening =
  | { kind: 'done'; key: string; at: string; by: string; action: string; target: string }
  | { kind: 'flow'; key: string; at: string; content: string; version: string; state: string; sites: string[]; text: string }

/** Flows of a version that came to be in a state within so long of each other are told together. */
const together = 60_000 // milliseconds

/** The newest of both, the newest first. Both are given so. */
export function newest(entries: readonly Entry[], changes: readonly Change[], most: number): Happening[] {
  const out: Happening[] = entries.map((e) => ({ kind: 'done', key: `done ${e.id}`, at: e.at, by: e.by, action: e.action, target: e.target }))
  const open = new Map<string, Extract<Happening, { kind: 'flow' }>>()
  for (const c of changes) {
    const of = `${c.content}@${c.version} ${c.state}`
    const last = open.get(of)
    if (last !== undefined && Date.parse(last.at) - Date.parse(c.at) < together) {
      if (!last.sites.includes(c.site)) last.sites.push(c.site)
      continue
    }
    const fresh = { kind: 'flow' as const, key: `flow ${of} ${c.site} ${c.at}`, at: c.at, content: c.content, version: c.version, state: c.state, sites: [c.site], text: c.text }
    open.set(of, fresh)
    out.push(fresh)
  }
  return out.sort((a, b) => Date.parse(b.at) - Date.parse(a.at)).slice(0, most)
}
