// What is made of rules and settings before they are shown.

import type { Schemas } from './api.ts'
import { rate } from './format.ts'
import { text } from './text.ts'

export type Rule = Schemas['RuleView']

/** What a rule is about, as people say it. */
export function about({ site, content, version }: Pick<Rule, 'site' | 'content' | 'version'>): string {
  const what = content ? (version ? `${content}@${version}` : content) : text.endpoint.rules.everything
  return site ? text.endpoint.rules.at(what, site) : text.endpoint.rules.everywhere(what)
}

/** What a rule does. */
export function does(rule: Pick<Rule, 'kind' | 'priority' | 'cap_bytes_per_second'>): string {
  const name = text.endpoint.rules.kinds[rule.kind] ?? rule.kind
  if (rule.kind === 'priority') return `${name}: ${(text.priorities[rule.priority ?? ''] ?? rule.priority ?? '').toLowerCase()}`
  if (rule.kind === 'cap') return `${name}: ${rate(8 * (rule.cap_bytes_per_second ?? 0))}`
  return name
}

/** What was purged is gone, so a purge does not end. */
export const ends = (rule: Pick<Rule, 'kind'>): boolean => rule.kind !== 'purge'

/** How far a rule is obeyed, by those who were online when it was set. */
export function obeyed(rule: Rule, blocks: readonly Schemas['BlockView'][]): string {
  const block = rule.kind === 'block' ? blocks.find((b) => b.generation === rule.generation) : undefined
  if (block) return text.endpoint.rules.gone(block.gone, block.holding, block.offline)
  const e = rule.effect
  return e && e.endpoints > 0 ? text.endpoint.rules.obeyed(e.confirmed, e.endpoints) : ''
}

export interface Said {
  level: string
  subject: string
  value: string
}

export type SettingKey = Schemas['Key']

/** All that is said of each setting, the widest level first. */
export function bySetting(keys: readonly SettingKey[], settings: readonly Schemas['Setting'][]): { key: SettingKey; said: Said[] }[] {
  const rank = ['organisation', 'tag', 'site', 'endpoint']
  return keys.map((key) => ({
    key,
    said: settings.filter((s) => s.key === key.key)
      .map((s) => ({ level: s.level, subject: s.subject ?? '', value: s.value }))
      .sort((a, b) => rank.indexOf(a.level) - rank.indexOf(b.level) || (a.subject < b.subject ? -1 : 1)),
  }))
}

/** Where something is said, as people say it. */
export const where = (level: string, subject?: string): string =>
  level === 'organisation' ? text.endpoint.settings.everywhere : `${text.endpoint.settings.levels[level] ?? level} ${subject ?? ''}`.trim()
