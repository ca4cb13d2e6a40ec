// The view of the past that an address may ask for, in the shape of the live one: pages take
// either by the time that `useAt` says.

import { useState } from 'react'
import { useSearchParams } from 'wouter'
import { rows, useAsked } from './api.ts'
import { useEndpoints, useFlows, type Endpoint, type Flow, type Snapshot } from './live.ts'
import { parseAt, written } from './past.ts'

/** More rows of the past are not shown at once. */
const most = 20_000

/** The time that is looked at; undefined: now. */
export function useAt(): number | undefined {
  const [search] = useSearchParams()
  return parseAt(search.get('at'), Date.now())
}

/** Has another time looked at. Where it is another step of the same look, the way back stays as it was. */
export function useLookAt(): (at: number | undefined) => void {
  const [, setSearch] = useSearchParams()
  return (at) => setSearch((was) => {
    const next = new URLSearchParams(was)
    at === undefined ? next.delete('at') : next.set('at', written(at))
    return next
  }, { replace: true })
}

/** What there was then; the moment before stays until it is there. */
function usePast<T>(at: number | undefined, of: string, ask: (at: string) => Promise<{ rows: T[] }>): Snapshot<T> & { busy: boolean } {
  const asked = useAsked<{ rows: T[] }>(`${of} ${at ?? ''}`, () => at === undefined ? Promise.resolve({ rows: [] }) : ask(written(at)))
  const [last, setLast] = useState<{ of: string; rows: readonly T[] }>()
  if (at === undefined && last !== undefined) setLast(undefined)
  if (at !== undefined && asked.data !== undefined && asked.data.rows !== last?.rows) setLast({ of, rows: asked.data.rows })
  const shown = asked.data?.rows ?? (last?.of === of ? last.rows : undefined)
  return { rows: asked.error ? [] : shown ?? [], link: shown === undefined ? 'connecting' : 'live', error: asked.error, busy: asked.data === undefined && asked.error === undefined }
}

/** Flows as they were at a time, or (undefined) as they are. */
export function useFlowsAt(at: number | undefined, of: { site?: string; content?: string } = {}): Snapshot<Flow> & { busy?: boolean } {
  const live = useFlows(of, at === undefined)
  const past = usePast<Flow>(at, `past flows ${JSON.stringify(of)}`, (when) => rows('/api/v1/history/flows', { at: when, ...of }, most))
  return at === undefined ? live : past
}

/** Endpoints that were online at a time, or (undefined) are. */
export function useEndpointsAt(at: number | undefined, site: string): Snapshot<Endpoint> & { busy?: boolean } {
  const live = useEndpoints(site, at === undefined)
  const past = usePast<Endpoint>(at, `past endpoints ${site}`, (when) => rows('/api/v1/history/endpoints', { at: when, site }, most))
  return at === undefined ? live : past
}
