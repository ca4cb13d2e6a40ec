// How far a new server is on the way to its first delivery.

import type { Schemas } from './api.ts'

export const steps = ['site', 'endpoint', 'publish', 'distribute', 'complete'] as const
export type Step = (typeof steps)[number]

type Sum = Pick<Schemas['Overview'], 'sites' | 'endpoints' | 'contents' | 'flows'>

/** What is done already. */
export function done(sum: Sum): ReadonlySet<Step> {
  const flows = Object.values(sum.flows).reduce((all, n) => all + n, 0)
  const is: Record<Step, boolean> = { site: sum.sites > 0, endpoint: sum.endpoints > 0, publish: sum.contents > 0, distribute: flows > 0, complete: (sum.flows.complete ?? 0) > 0 }
  return new Set(steps.filter((step) => is[step]))
}

/** The first thing that is left to do; undefined where nothing is. */
export function next(of: ReadonlySet<Step>): Step | undefined {
  return steps.find((step) => !of.has(step))
}

/** Where it is kept that the guide is not wanted any more. */
const key = 'sitecast.guided'

/** Whether the guide is shown: until the first flow is complete, unless somebody put it away. */
export function guides(sum: Sum, store: Pick<Storage, 'getItem'>): boolean {
  return !done(sum).has('complete') && store.getItem(key) === null
}

export const putAway = (store: Pick<Storage, 'setItem'>): void => store.setItem(key, 'yes')
