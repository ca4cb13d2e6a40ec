// What the server tells as it happens, kept for whoever shows it.
//
// A Feed is one view. It gives those who look a snapshot that is replaced, never changed: so
// React can compare it. What is new comes from the worker that all tabs share.

import { useEffect, useMemo, useSyncExternalStore } from 'react'
import { Refusal, logIn, server } from './api.ts'
import { Streams, type Told, type Wish } from './shared.ts'
import { nameOf, Rows, type Endpoint, type Flow, type Link, type News, type Overview, type View } from './stream.ts'

export { endpointKey, flowKey, type Endpoint, type Flow, type Link, type Overview } from './stream.ts'

export interface Snapshot<T> {
  rows: readonly T[]
  link: Link
  error?: Error
}

export class Feed<T> {
  private snapshot: Snapshot<T> = { rows: [], link: 'connecting' }
  private readonly listeners = new Set<() => void>()
  private rows: Rows<T>
  private old = false // the snapshot's rows are not those any more
  private readonly view: View
  private readonly say: (wish: Wish) => void

  constructor(view: View, say: (wish: Wish) => void) {
    this.view = view
    this.say = say
    this.rows = new Rows(view.view)
  }

  get = (): Snapshot<T> => this.snapshot

  /** The view is followed while somebody listens. */
  listen = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    if (this.listeners.size === 1) this.say({ follow: this.view })
    return () => {
      this.listeners.delete(listener)
      if (this.listeners.size > 0) return
      this.say({ leave: this.view })
      this.rows = new Rows(this.view.view)
      this.old = false
      this.snapshot = { rows: [], link: 'connecting' }
    }
  }

  take(news: News<T>): void {
    if (this.listeners.size === 0) return // it was on its way
    this.rows.take(news)
    if (news.set !== undefined || news.gone !== undefined || news.reset) this.old = true
    if (news.more) return
    const error = news.problem && new Refusal(news.problem)
    if (error?.status === 401) logIn()
    this.snapshot = { rows: this.old ? this.rows.list() : this.snapshot.rows, link: news.link, error }
    this.old = false
    for (const listener of this.listeners) listener()
  }

  /** The page is shown again after it was left. */
  comeBack(): void {
    if (this.listeners.size > 0) this.say({ follow: this.view })
  }
}

/** Feeds, by the names of their views. */
const feeds = new Map<string, Feed<unknown>>()

const hear = ({ name, news }: Told): void => feeds.get(name)?.take(news)

/** Says something to the shared worker, or where a browser has none, to streams of this tab's own. */
const say = ((): ((wish: Wish) => void) => {
  if (typeof SharedWorker === 'undefined') {
    const streams = new Streams(server)
    const port = { postMessage: hear }
    return (wish) => streams.hear(port, wish)
  }
  const { port } = new SharedWorker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'sitecast-portal' })
  port.onmessage = ({ data }: MessageEvent<Told>) => hear(data)
  return (wish) => port.postMessage(wish)
})()

// A page that is left may be kept for coming back.
if (typeof window !== 'undefined') {
  window.addEventListener('pagehide', () => say('bye'))
  window.addEventListener('pageshow', (e) => { if (e.persisted) for (const f of feeds.values()) f.comeBack() })
}

/** The feed of a view, the same for all who show it. */
function feed<T>(view: View): Feed<T> {
  const name = nameOf(view)
  let found = feeds.get(name) as Feed<T> | undefined
  if (found === undefined) {
    found = new Feed<T>(view, say)
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

/** A feed of nothing, for who looks at something else. */
const nothing = new Feed<unknown>({ view: 'flows' }, () => {})
const idle = <T>(): Feed<T> => nothing as Feed<unknown> as Feed<T>

/** Flows, of a site or a content where one is named, while `follow` says so. */
export const useFlows = (of: { site?: string; content?: string } = {}, follow = true): Snapshot<Flow> => useFeed(follow ? feed<Flow>({ view: 'flows', ...of }) : idle<Flow>())

/** Endpoints that are online. */
export const useEndpoints = (site: string, follow = true): Snapshot<Endpoint> => useFeed(follow ? feed<Endpoint>({ view: 'endpoints', site }) : idle<Endpoint>())

/** How things stand, everywhere. */
export const useOverview = (): Snapshot<Overview> => useFeed(feed<Overview>({ view: 'overview' }))
