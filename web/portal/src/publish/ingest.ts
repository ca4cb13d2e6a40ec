// Files -> packs at the origin, and a body: what storage/ingest does, without a disk. Content is read in windows, so that its
// size does not matter; packs are sent as they fill.

import { Builder, objects, order, sum, type Entry } from './body.ts'
import { Pack } from './pack.ts'
import { cut, maxChunkBytes } from './split.ts'

/** How much is read at a time, in bytes. */
const windowBytes = 8 << 20
/** The origin is asked about so many chunks at a time. */
const askedAtOnce = 256

export interface Origin {
  /** Which of these chunks no version at the origin has. */
  missing: (chunks: string[]) => Promise<ReadonlySet<string>>
  /** Brings an object there, and tells how many bytes of it are. */
  send: (digest: string, bytes: Uint8Array<ArrayBuffer>, at: (bytes: number) => void) => Promise<void>
}

export interface Options {
  origin: Origin
  encode: (chunk: Uint8Array) => { encoding: number; encoded: Uint8Array }
  packBytes: number
  /** Told how many bytes of the content are settled: at the origin, or there before. */
  progress?: (settled: number) => void
}

export interface Ingested {
  body: Uint8Array<ArrayBuffer>
  packs: string[]
  bytes: number
  uniqueBytes: number
  chunks: number
  newBytes: number
}

interface Chunk { digest: string; data: Uint8Array<ArrayBuffer> }

/** Cuts files, in canonical order, and hashes their chunks. */
async function* chunks(entries: readonly Entry[]): AsyncGenerator<Chunk[]> {
  let ready: Promise<Chunk>[] = []
  for (const object of objects(entries)) {
    const whole = object.length === 1 ? object[0]!.blob : new Blob(object.map((e) => e.blob))
    for (let at = 0; at < whole.size;) {
      const data = await read(whole.slice(at, at + windowBytes), object)
      const ends = at + data.length === whole.size
      let from = 0
      while (from < data.length && (ends || data.length - from >= maxChunkBytes)) {
        const part = data.subarray(from, from + cut(data, from, data.length))
        ready.push(sum(part).then((digest) => ({ digest, data: part })))
        from += part.length
      }
      at += from
      if (ready.length >= askedAtOnce || at < whole.size) {
        yield await Promise.all(ready)
        ready = []
      }
    }
  }
  if (ready.length > 0) yield await Promise.all(ready)
}

/** A file that changed since it was chosen. */
export class ChangedError extends Error {}

async function read(part: Blob, object: readonly Entry[]): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const data = new Uint8Array(await part.arrayBuffer())
    if (data.length === part.size) return data
  } catch { /* browsers refuse to read what is not what was chosen */ }
  throw new ChangedError(object.map((e) => e.path).join(', '))
}

/** Brings files to the origin. Equal files give equal packs, so that what is repeated goes on. */
export async function ingest(files: readonly Entry[], { origin, encode, packBytes, progress }: Options): Promise<Ingested> {
  const entries = order(files)
  const builder = new Builder()
  const packs: string[] = []
  let [pack, sending, newBytes] = [new Pack(), Promise.resolve(), 0]
  let [read, waiting] = [0, 0] // of the content: bytes read, and those of them that are not at the origin yet
  const tell = (extra = 0) => progress?.(read - waiting + extra)
  const send = async () => {
    const [full, { digest, bytes }] = [pack, await pack.finish()]
    packs.push(digest)
    pack = new Pack()
    await sending // one at a time and in order: what is repeated finds the same packs
    sending = origin.send(digest, bytes, (n) => tell((full.plainBytes * n) / bytes.length)).then(() => {
      waiting -= full.plainBytes
      tell()
    })
    sending.catch(() => {}) // who waits for it hears of it
  }
  for await (const batch of chunks(entries)) {
    const fresh = batch.filter((c) => builder.add(c.digest, c.data.length))
    const missing = fresh.length === 0 ? new Set<string>() : await origin.missing(fresh.map((c) => c.digest))
    const packed = new Set<Chunk>()
    for (const c of fresh) {
      if (!missing.has(c.digest)) continue
      const { encoding, encoded } = encode(c.data)
      if (!pack.empty && pack.sizeWith(encoded.length) > packBytes) await send()
      pack.add(c.digest, c.data, encoding, encoded)
      newBytes += c.data.length
      waiting += c.data.length
      read += c.data.length
      packed.add(c)
    }
    for (const c of batch) if (!packed.has(c)) read += c.data.length
    tell()
  }
  if (!pack.empty) await send()
  await sending
  return { body: builder.encode(entries), packs, bytes: read, uniqueBytes: builder.uniqueBytes, chunks: builder.length, newBytes }
}
