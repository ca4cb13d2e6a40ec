// What the server tells as it happens, kept for whoever shows it.
//
// One Feed is one stream of events. It keeps rows by key, and gives those who look a
// snapshot that is replaced, never changed: so React can compare it. Who holds the feed
// sees what was there when they did; the stream goes on meanwhile.

import { useEffect, useMemo, useSyncExternalStore } from 'react'
import { events, Refusal, type Schemas, type Server, type Watch } from '../../client/src/index.ts'
import { logIn, server } from './api.ts'

/** connecting: nothing came yet. stale: what is shown may be old. refused: it won't come. */
export type Link = 'connecting' | 'live' | 'stale' | 'refused'

export interface Snapshot<T> {
  rows: readonly T[]
  link: Link
  error?: Error
}

/** After so long without a sign from the server what is shown counts as stale. It sends something every 15 s. */
export const staleAfter = 20_000

type Change<T> = { set?: T[]; gone?: string[]; more?: boolean }

/** The rows of a stream, by key. */
export class Rows<T> {
  private byKey = new Map<string, T>()
  private readonly key: (row: T) => string

  constructor(key: (row: T) => string) { this.key = key }

  reset(): void { this.byKey.clear() }

  change(c: Change<T>): void {
    for (const key of c.gone ?? []) this.byKey.delete(key)
    for (const row of c.set ?? []) this.byKey.set(this.key(row), row)
  }

  list(): readonly T[] { return [...this.byKey.values()] }
}

export class Feed<T> {
  private snapshot: Snapshot<T> = { rows: [], link: 'connecting' }
  private readonly listeners = new Set<() => void>()
  private readonly kept: Rows<T>
  private stop?: AbortController
  private watchdog?: ReturnType<typeof setTimeout>
  private readonly from: Server
  private readonly watch: Watch

  constructor(from: Server, watch: Watch, key: (row: T) => string) {
    this.from = from
    this.watch = watch
    this.kept = new Rows(key)
  }

  get = (): Snapshot<T> => this.snapshot

  /** The stream runs while somebody listens. */
  listen = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    if (this.listeners.size === 1) this.start()
    return () => {
      this.listeners.delete(listener)
      if (this.listeners.size === 0) this.end()
    }
  }

  private start(): void {
    this.stop = new AbortController()
    void this.run(this.stop.signal)
  }

  private end(): void {
    this.stop?.abort()
    clearTimeout(this.watchdog)
    this.kept.reset()
    this.snapshot = { rows: [], link: 'connecting' }
  }

  /** The page is left: the stream ends, what was shown stays. */
  leave(): void {
    this.stop?.abort()
    clearTimeout(this.watchdog)
  }

  /** The page is shown again. */
  comeBack(): void {
    if (this.listeners.size > 0 && this.stop?.signal.aborted) {
      this.stale()
      this.start()
    }
  }

  private async run(signal: AbortSignal): Promise<void> {
    try {
      for await (const event of events(this.from, { ...this.watch, signal, onLink: (up) => this.heard(signal, up) })) {
        if (signal.aborted) return
        if (event.kind === 'reset') {
          this.kept.reset()
          continue
        }
        this.kept.change(event.data as Change<T>)
        if (!event.data.more) this.put({ rows: this.kept.list(), link: 'live' })
      }
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof Refusal && error.status === 401) logIn()
      this.put({ ...this.snapshot, link: 'refused', error: error as Error })
    }
  }

  /** The stream gave a sign, or ended. */
  private heard(signal: AbortSignal, up: boolean): void {
    if (signal.aborted) return
    clearTimeout(this.watchdog)
    if (!up) {
      this.stale()
      return
    }
    this.watchdog = setTimeout(() => this.stale(), staleAfter)
    if (this.snapshot.link === 'stale') this.put({ ...this.snapshot, link: 'live' })
  }

  private stale(): void {
    if (this.snapshot.link === 'live') this.put({ ...this.snapshot, link: 'stale' })
  }

  private put(snapshot: Snapshot<T>): void {
    this.snapshot = snapshot
    for (const listener of this.listeners) listener()
  }
}

export type Flow = Schemas['FlowView']
export type Endpoint = Schemas['EndpointView']
export type Overview = Schemas['Overview']

export const flowKey = (f: Flow): string => `${f.site}/${f.content}@${f.version}`
export const endpointKey = (e: Endpoint): string => `${e.site}/${e.id}`

const feeds = new Map<string, Feed<unknown>>()

// A page that is left may be kept for coming back, with its streams, of which a browser has
// few: so they end, and begin anew when the page is shown again.
if (typeof window !== 'undefined') {
  window.addEventListener('pagehide', () => { for (const f of feeds.values()) f.leave() })
  window.addEventListener('pageshow', (e) => { if (e.persisted) for (const f of feeds.values()) f.comeBack() })
}

/** The feed of a view, the same for all who show it. */
function feed<T>(watch: Watch, key: (row: T) => string): Feed<T> {
  const name = JSON.stringify(watch)
  let found = feeds.get(name) as Feed<T> | undefined
  if (found === undefined) {
    found = new Feed<T>(server, watch, key)
    feeds.set(name, found as Feed<unknown>)
  }
  return found
}

/** Live updates are held while this is true: what is shown stays as it is. */
class Hold {
  private on = false
  private readonly listeners = new Set<() => void>()
  get = (): boolean => this.on
  listen = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }
  set(on: boolean): void {
    this.on = on
    for (const listener of this.listeners) listener()
  }
}

export const hold = new Hold()
export const useHeld = (): boolean => useSyncExternalStore(hold.listen, hold.get)

function useFeed<T>(f: Feed<T>): Snapshot<T> {
  const held = useHeld()
  const frozen = useMemo(() => ({ current: undefined as Snapshot<T> | undefined }), [f])
  const now = useSyncExternalStore(f.listen, f.get)
  useEffect(() => {
    if (!held) frozen.current = undefined
  }, [held, frozen])
  if (held) {
    frozen.current ??= now
    return frozen.current
  }
  return now
}

/** Flows, of a site or a content where one is named. */
export const useFlows = (filter: { site?: string; content?: string } = {}): Snapshot<Flow> =>
  useFeed(feed<Flow>({ view: 'flows', ...filter }, flowKey))

/** Endpoints that are online. */
export const useEndpoints = (site: string): Snapshot<Endpoint> => useFeed(feed<Endpoint>({ view: 'endpoints', site }, endpointKey))

/** How things stand, everywhere. */
export const useOverview = (): Snapshot<Overview> => useFeed(feed<Overview>({ view: 'overview' }, () => 'overview'))
