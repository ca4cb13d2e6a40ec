// The upload of this tab. It goes on while other pages of the portal are looked at.

import { useSyncExternalStore } from 'react'
import { logIn } from '../api.ts'
import { sampled, type Chosen, type Sample } from './chosen.ts'
import type { News, Order } from './publisher.ts'

export interface Upload {
  name: string
  version: string
  title: string
  total: number
  settled: number
  sent: number
  samples: Sample[]
  done?: Extract<News, { is: 'done' }>
  failed?: Extract<News, { is: 'failed' }>
}

/** What a tab remembers of an upload over a reload: never the key, and never the bytes. */
export interface Left { name: string; version: string; title: string; kind: Chosen['kind']; total: number }

const leftKey = 'sitecast.upload'
/** Nobody sees more often how far it is, in milliseconds. */
const every = 200

let now: Upload | undefined
let worker: Worker | undefined
let order: Order | undefined
const listeners = new Set<() => void>()

function put(next: Upload | undefined): void {
  now = next
  for (const listener of listeners) listener()
}

const warn = (e: BeforeUnloadEvent) => e.preventDefault()

function end(): void {
  worker?.terminate()
  worker = undefined
  removeEventListener('beforeunload', warn)
}

function hear(news: News): void {
  if (now === undefined) return
  if (news.is === 'moving') {
    const at = performance.now()
    const last = now.samples.at(-1)
    if (last && at - last.at < every) return
    return put({ ...now, settled: news.settled, sent: news.sent, samples: sampled(now.samples, { at, settled: news.settled }) })
  }
  end()
  if (news.is === 'failed') {
    if (news.code === 'unauthorized') logIn()
    return put({ ...now, samples: [], failed: news })
  }
  sessionStorage.removeItem(leftKey)
  order = undefined
  put({ ...now, settled: now.total, sent: news.sent, done: news })
}

function run(o: Order, title: string, total: number): void {
  order = o
  put({ name: o.name, version: o.version, title, total, settled: 0, sent: 0, samples: [] })
  worker = new Worker(new URL('./publisher.ts', import.meta.url), { type: 'module', name: 'sitecast-publisher' })
  worker.onmessage = ({ data }: MessageEvent<News>) => hear(data)
  worker.onerror = (e) => hear({ is: 'failed', what: e.message || 'worker' })
  worker.postMessage(o)
  addEventListener('beforeunload', warn)
}

export const uploads = {
  begin(o: Order, c: Chosen): void {
    sessionStorage.setItem(leftKey, JSON.stringify({ name: o.name, version: o.version, title: c.title, kind: c.kind, total: c.bytes } satisfies Left))
    run(o, c.title, c.bytes)
  },
  /** Tries again what failed: what arrived is not sent again. */
  goOn(): void {
    if (order && now) run(order, now.title, now.total)
  },
  /** Ends it, also one that failed or is done. What arrived stays at the server for a day. */
  drop(): void {
    end()
    sessionStorage.removeItem(leftKey)
    order = undefined
    put(undefined)
  },
  /** An upload that was under way when the page was left or loaded anew. */
  left(): Left | undefined {
    const kept = sessionStorage.getItem(leftKey)
    return kept === null ? undefined : JSON.parse(kept) as Left
  },
}

const listen = (listener: () => void) => {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

export const useUpload = (): Upload | undefined => useSyncExternalStore(listen, () => now)
