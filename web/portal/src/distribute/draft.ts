// Pure: a distribution that is being put together, what it asks of the API, and the line that asks the same.

import type { Schemas } from '../api.ts'
import { quoted } from '../publish/chosen.ts'

export type Way = 'all' | 'sites' | 'tag' | 'query'

export interface DraftRing {
  name: string
  target: string
  delivered: number // percent
  failed: number // percent
  soakHours: number
  atOnce: number // 0: all
  halt: number // percent; 0: never
}

/** All of it is text and numbers: it is kept while somebody goes back and forth, and over a reload. */
export interface Draft {
  version: string
  way: Way | ''
  sites: string
  tag: string
  query: string
  priority: 'high' | 'normal' | 'low'
  notBefore: string // as an input for local times has it
  readyBy: string
  preStage: number
  use: '' | 'hold'
  inRings: boolean
  rings: DraftRing[]
}

/** Gates where nobody says, as in storage/catalog. */
export const usual = { delivered: 95, failed: 5, soakHours: 0, atOnce: 0, halt: 10 }

export const firstRings: readonly DraftRing[] = [
  { ...usual, name: 'canary', target: '', soakHours: 24 },
  { ...usual, name: 'rest', target: 'rest' },
]

export const empty: Draft = { version: '', way: '', sites: '', tag: '', query: '', priority: 'normal', notBefore: '', readyBy: '', preStage: 0, use: '', inRings: false, rings: [...firstRings] }

/** What was kept of a draft, whatever that is. */
export function restored(kept: string | null): Draft {
  try {
    const draft: unknown = JSON.parse(kept ?? 'null')
    return draft !== null && typeof draft === 'object' ? { ...empty, ...draft } : empty
  } catch {
    return empty
  }
}

export const names = (text: string): string[] => [...new Set(text.split(/[\s,]+/).filter((n) => n !== ''))].sort()

/** A tag as queries name it. */
const tagQuery = (tag: string): string => `tag:${tag}`

/** Which sites it means, as the API has it; undefined while that is not said. */
export function aim(d: Draft): Pick<Schemas['NewDistribution'], 'all' | 'sites' | 'target'> | undefined {
  switch (d.way) {
    case 'all': return { all: true }
    case 'sites': return names(d.sites).length > 0 ? { sites: names(d.sites) } : undefined
    case 'tag': return d.tag !== '' ? { target: tagQuery(d.tag) } : undefined
    case 'query': return d.query.trim() !== '' ? { target: d.query.trim() } : undefined
    default: return undefined
  }
}

/** An instant, of what an input for local times has; undefined for none. */
const instant = (local: string): string | undefined => (local === '' || Number.isNaN(Date.parse(local)) ? undefined : new Date(local).toISOString())

const ring = (r: DraftRing): Schemas['NewRing'] => ({
  name: r.name.trim(), target: r.target.trim(), delivered_percent: r.delivered, failed_percent: r.failed, soak_seconds: Math.round(r.soakHours * 3600), at_once: r.atOnce, halt_percent: r.halt,
})

/** What the API is asked for; undefined while something is missing. */
export function order(name: string, d: Draft): Schemas['NewDistribution'] | undefined {
  const where = aim(d)
  if (where === undefined || d.version === '') return undefined
  return {
    name, version: d.version, ...where, priority: d.priority, not_before: instant(d.notBefore), ready_by: instant(d.readyBy),
    pre_stage: d.preStage || undefined, activate: d.use || undefined, rings: d.inRings ? d.rings.map(ring) : undefined,
  } as Schemas['NewDistribution']
}

/** Whether four eyes look at it, where they look at anything. */
export const reachesAll = (d: Draft): boolean => d.way === 'all' || d.way === 'tag' || d.way === 'query'

/** The first step that lacks something; the number of steps where none does. */
export function lacks(d: Draft): number {
  if (d.version === '') return 0
  if (aim(d) === undefined) return 1
  if (d.inRings && (d.preStage > 0 || d.rings.some((r) => r.name.trim() === '' || r.target.trim() === ''))) return 3
  return steps
}

/** Version, where, when, rings, forecast. */
export const steps = 5

function ringText(r: DraftRing): string {
  const parts = [`${r.name.trim()}=${r.target.trim()}`]
  if (r.delivered !== usual.delivered) parts.push(`delivered>=${r.delivered}%`)
  if (r.failed !== usual.failed) parts.push(`failed<=${r.failed}%`)
  if (r.soakHours > 0) parts.push(`soak ${r.soakHours}h`)
  if (r.atOnce > 0) parts.push(`at-once ${r.atOnce}`)
  if (r.halt !== usual.halt) parts.push(r.halt === 0 ? 'halt never' : `halt>=${r.halt}%`)
  return parts.join('; ')
}

/** The line that asks for the same. */
export function line(name: string, d: Draft): string {
  const words = ['sitecast', 'distribute', quoted(`${name}@${d.version || 'VERSION'}`)]
  const say = (flag: string, value: string) => words.push(flag, quoted(value))
  if (d.way === 'all') words.push('--all')
  if (d.way === 'sites') for (const site of names(d.sites)) say('--site', site)
  if (d.way === 'tag' && d.tag !== '') say('--tag', d.tag)
  if (d.way === 'query' && d.query.trim() !== '') say('--query', d.query.trim())
  if (d.priority !== 'normal') say('--priority', d.priority)
  const [notBefore, readyBy] = [instant(d.notBefore), instant(d.readyBy)]
  if (notBefore) say('--not-before', notBefore.replace('.000Z', 'Z'))
  if (readyBy) say('--ready-by', readyBy.replace('.000Z', 'Z'))
  if (d.preStage > 0) say('--pre-stage', String(d.preStage))
  if (d.use !== '') say('--activate', d.use)
  if (d.inRings) for (const r of d.rings) say('--ring', ringText(r))
  return words.join(' ')
}
