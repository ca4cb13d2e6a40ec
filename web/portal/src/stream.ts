// One stream of events of the server, followed for as long as somebody wants it, and told in
// pieces that can be sent from a worker to a page.

import { events, Refusal, type Schemas, type Server, type Watch } from '../../client/src/index.ts'

/** connecting: nothing came yet. stale: what is known may be old. refused: nothing will come. */
export type Link = 'connecting' | 'live' | 'stale' | 'refused'

export type View = Pick<Watch, 'view' | 'site' | 'content'>

/** What is new. `reset`: what was known is void. Then `gone` goes, and `set` comes. `more`: the next news belongs to this. */
export interface News<T = unknown> {
  reset?: boolean
  more?: boolean
  gone?: string[]
  set?: T[]
  link: Link
  problem?: Schemas['Problem']
}

/** After so long without a sign from the server what is known counts as stale. It sends something every 15 s. */
export const staleAfter = 20_000

export type Flow = Schemas['FlowView']
export type Endpoint = Schemas['EndpointView']
export type Overview = Schemas['Overview']

export const flowKey = (f: Flow): string => `${f.site}/${f.content}@${f.version}`
export const endpointKey = (e: Endpoint): string => `${e.site}/${e.id}`

const keys: Record<View['view'], (row: never) => string> = { flows: flowKey, endpoints: endpointKey, overview: () => 'overview' }

/** The name of a view, for maps. */
export const nameOf = ({ view, site = '', content = '' }: View): string => JSON.stringify([view, site, content])

/** The rows of a view, by key. */
export class Rows<T> {
  private readonly byKey = new Map<string, T>()
  private readonly key: (row: T) => string

  constructor(view: View['view']) { this.key = keys[view] as (row: T) => string }

  take(news: News<T>): void {
    if (news.reset) this.byKey.clear()
    for (const key of news.gone ?? []) this.byKey.delete(key)
    for (const row of news.set ?? []) this.byKey.set(this.key(row), row)
  }

  list(): T[] { return [...this.byKey.values()] }
}

/** So many rows a tab takes in one task: it stays answerable while thousands come. */
const atOnce = 250

/** The same news in pieces that a tab takes one after the other. */
export function* pieces(news: News, most = atOnce): Generator<News> {
  const { set = [], ...rest } = news
  if (set.length <= most) return yield news
  yield { ...rest, set: set.slice(0, most), more: true }
  for (let at = most; at < set.length; at += most) {
    const more = at + most < set.length
    yield { link: news.link, set: set.slice(at, at + most), ...(more && { more }) }
  }
}

/** Follows a view until what it returns is called. */
export function follow(from: Server, view: View, tell: (news: News) => void): () => void {
  const stop = new AbortController()
  let link: Link = 'connecting'
  let watchdog: ReturnType<typeof setTimeout> | undefined
  let next: News = { link } // is told when it is whole
  const stale = () => {
    if (link === 'live') tell({ link: link = 'stale' })
  }
  const heard = (up: boolean) => {
    if (stop.signal.aborted) return
    clearTimeout(watchdog)
    if (!up) return stale()
    watchdog = setTimeout(stale, staleAfter)
    if (link === 'stale') tell({ link: link = 'live' })
  }
  const run = async () => {
    for await (const event of events(from, { ...view, signal: stop.signal, onLink: heard })) {
      if (stop.signal.aborted) return
      if (event.kind === 'reset') {
        next = { link, reset: true }
        continue
      }
      const { set = [], gone = [], more } = event.data
      for (const key of gone) (next.gone ??= []).push(key)
      for (const row of set) (next.set ??= []).push(row)
      if (more) continue
      tell({ ...next, link: link = 'live' })
      next = { link }
    }
  }
  run().catch((error: unknown) => {
    if (stop.signal.aborted) return
    const problem = error instanceof Refusal ? error.problem : { status: 0, title: String(error), code: 'unknown' }
    tell({ link: link = 'refused', problem })
  })
  return () => {
    stop.abort()
    clearTimeout(watchdog)
  }
}
