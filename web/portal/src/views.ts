// Views of the flows that somebody saved: names for what an address filters, orders and groups. Pure.

import type { Schemas } from './api.ts'

export type SavedView = Schemas['SavedView']

/** What of an address is worth a name: all but the time that is looked at, in one order. */
export function worth(search: URLSearchParams): string {
  const kept = new URLSearchParams(search)
  kept.delete('at')
  for (const name of [...kept.keys()]) if (kept.get(name) === '') kept.delete(name)
  kept.sort()
  return kept.toString()
}

/** The views with one more; one of the same name is replaced where it stands. */
export function put(views: readonly SavedView[], view: SavedView): SavedView[] {
  const at = views.findIndex((v) => v.page === view.page && v.name === view.name)
  return at < 0 ? [...views, view] : views.map((v, i) => (i === at ? view : v))
}
