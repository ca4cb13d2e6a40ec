// The worker that publishes: it cuts, hashes, packs and uploads what was chosen, signs a head, and completes the version. It does
// what `sitecast publish` does, and goes on as that does: what arrived is not sent again.

import { Zstd } from '@hpcc-js/wasm-zstd'
import { connect, Refusal } from '../../../client/src/index.ts'
import { Body } from '../../../sdk/src/body'
import type { Entry } from './body.ts'
import { sum } from './body.ts'
import { ChangedError, ingest, type Ingested, type Origin } from './ingest.ts'
import { seconds, signHead, type Key } from './key.ts'
import { encoder } from './pack.ts'
import { upload } from './send.ts'

/** What is to be published. */
export interface Order {
  name: string
  version: string
  kind: 'file' | 'tree'
  entries: Entry[]
  key: Pick<Key, 'sign' | 'id'>
}

/** What becomes of it. */
export type News =
  | { is: 'moving'; settled: number; sent: number }
  | { is: 'done'; already: boolean; bytes: number; newBytes: number; sent: number; id: string }
  | { is: 'failed'; what: string; hint?: string; code?: string }

/** A pack is held in memory twice, while the next one fills. */
const packBytes = 64 << 20
/** As strong as what the program uses: once, for what thousands of sites fetch. */
const level = 7

const api = connect({ baseUrl: self.location.origin })

async function got<T>(asked: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await asked
  if (response.ok) return data as T
  throw new Refusal((error as Refusal['problem'] | undefined) ?? { status: response.status, title: response.statusText, code: 'unknown' })
}

const missing = async (digests: string[]): Promise<ReadonlySet<string>> => new Set((await got(api.POST('/api/v1/chunks/missing', { body: { digests } }))).digests ?? [])

/** The version as it is published already, if it is. */
async function published(o: Order) {
  const path = { params: { path: { name: o.name, version: o.version } } }
  try {
    return await got(api.GET('/api/v1/versions/{name}/{version}', path))
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) return undefined
    throw error
  }
}

async function publish(o: Order, tell: (news: News) => void): Promise<News> {
  let sent = 0
  const compressor = await Zstd.load()
  const encode = encoder((chunk) => compressor.compress(chunk, level))
  const run = (origin: Origin) => ingest(o.entries, { origin, encode, packBytes, progress: (settled) => tell({ is: 'moving', settled, sent }) })
  const send: Origin['send'] = (digest, bytes, at) => upload(digest, bytes, (there, more) => {
    sent += more
    at(there)
  })
  const there = await published(o)
  if (there) { // nothing is sent: is it the same?
    const same = await run({ missing: async () => new Set(), send })
    if (there.head.body !== await sum(same.body) || there.head.kind !== o.kind) return { is: 'failed', what: '', code: 'other_bytes' }
    return { is: 'done', already: true, bytes: same.bytes, newBytes: 0, sent, id: there.id }
  }
  const { serial } = await got(api.POST('/api/v1/versions', { body: { name: o.name, version: o.version } }))
  for (let again = false; ; again = true) {
    const made = await run({ missing, send })
    Body.decode(made.body) // a path that can't lie everywhere ends it here, and not at an endpoint
    try {
      const id = await complete(o, made, serial, send)
      return { is: 'done', already: false, bytes: made.bytes, newBytes: made.newBytes, sent, id }
    } catch (error) {
      // What was there may be there no more.
      if (again || !(error instanceof Refusal && error.code === 'chunks_missing')) throw error
    }
  }
}

/** Brings the body there, and signs for the version. */
async function complete(o: Order, made: Ingested, serial: number, send: Origin['send']): Promise<string> {
  const body = await sum(made.body)
  const lacks = await got(api.POST('/api/v1/objects/missing', { body: { digests: [body] } }))
  if ((lacks.digests ?? []).length > 0) await send(body, made.body, () => {})
  const head = await signHead({
    name: o.name, version: o.version, serial, created: seconds(new Date()), kind: o.kind, bytes: made.bytes, unique_bytes: made.uniqueBytes,
    chunks: made.chunks, body, body_bytes: made.body.length,
  }, o.key)
  const done = await got(api.PUT('/api/v1/versions/{name}/{version}', { params: { path: { name: o.name, version: o.version } }, body: { head, packs: made.packs } }))
  return done.id
}

function failed(error: unknown): News {
  if (error instanceof Refusal) return { is: 'failed', what: error.message, hint: error.hint, code: error.status === 401 ? 'unauthorized' : error.code }
  if (error instanceof ChangedError) return { is: 'failed', what: error.message.slice(0, 300), code: 'changed' }
  return { is: 'failed', what: error instanceof Error ? error.message : String(error) }
}

self.onmessage = ({ data }: MessageEvent<Order>) => void publish(data, (news) => self.postMessage(news)).catch(failed).then((news) => self.postMessage(news))
