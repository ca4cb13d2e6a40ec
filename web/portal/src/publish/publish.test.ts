import { describe, expect, it } from 'vitest'
import text from '../../../../storage/ingest/testdata/page.json?raw'
import { compare, order, sum, type Entry } from './body.ts'
import { chosen, pace, publishLine, quoted, refusedPath, sampled, suggested, type Sample } from './chosen.ts'
import { ingest, type Ingested } from './ingest.ts'
import { base64, KeyError, makeKey, readKey, signHead, standing, trusted, unbase64, type Trusted } from './key.ts'
import { encoder, plain } from './pack.ts'

interface VectorFile { path: string; seed: number; size: number; times: number }

/** What the Go side made of the same files: see storage/ingest/page_test.go. */
const vectors = JSON.parse(text) as {
  pack_bytes: number
  versions: { name: string; files: VectorFile[]; body: string; body_bytes: number; bytes: number; unique_bytes: number; lengths: number[] | null; packs: string[] | null }[]
  key: string
  head: object
  envelope: object
}

function bytes({ seed, size, times }: VectorFile): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(size * times)
  let x = seed
  for (let i = 0; i < size; i++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    out[i] = x
  }
  for (let i = 1; i < times; i++) out.copyWithin(i * size, 0, size)
  return out
}

const entries = (files: readonly VectorFile[]): Entry[] => files.map((f) => ({ path: f.path, blob: new Blob([bytes(f)]) }))

/** An origin in memory. */
class Origin {
  readonly chunks = new Set<string>()
  readonly sent: string[] = []
  /** After so many packs the way breaks. */
  breaks = Infinity
  missing = async (asked: string[]) => new Set(asked.filter((d) => !this.chunks.has(d)))
  send = async (digest: string, pack: Uint8Array<ArrayBuffer>, at: (n: number) => void) => {
    if (this.sent.length === this.breaks) throw new TypeError('the connection broke')
    at(pack.length / 2)
    this.sent.push(digest)
    const view = new DataView(pack.buffer)
    const count = view.getUint32(pack.length - 8)
    for (let i = 0; i < count; i++) this.chunks.add([...pack.subarray(pack.length - 8 - 41 * (count - i)).subarray(0, 32)].map((b) => b.toString(16).padStart(2, '0')).join(''))
  }
}

const asIs = (chunk: Uint8Array) => ({ encoding: plain, encoded: chunk })
const run = (origin: Origin, files: readonly Entry[], progress?: (n: number) => void): Promise<Ingested> => ingest(files, { origin, encode: asIs, packBytes: vectors.pack_bytes, progress })

describe('what the page publishes is what the program publishes', () => {
  for (const v of vectors.versions) {
    it(v.name, async () => {
      const settled: number[] = []
      const got = await run(new Origin(), entries(v.files), (n) => settled.push(n))
      expect(await sum(got.body)).toBe(v.body)
      expect([got.body.length, got.bytes, got.uniqueBytes, got.chunks]).toEqual([v.body_bytes, v.bytes, v.unique_bytes, (v.lengths ?? []).length])
      expect(got.packs).toEqual(v.packs ?? [])
      expect(settled.at(-1)).toBe(v.bytes)
      expect(settled.every((n) => n >= 0 && n <= v.bytes)).toBe(true)
    })
  }

  it('signs as the program does', async () => {
    const key = await readKey(vectors.key)
    expect(await signHead(vectors.head, key)).toEqual(vectors.envelope)
  })
})

describe('an upload that is repeated', () => {
  const large = entries(vectors.versions[1]!.files)

  it('sends the rest in the same packs', async () => {
    const origin = new Origin()
    origin.breaks = 3
    await expect(run(origin, large)).rejects.toThrow('broke')
    origin.breaks = Infinity
    const got = await run(origin, large)
    expect(origin.sent).toEqual(vectors.versions[1]!.packs)
    expect(got.packs).toEqual(origin.sent.slice(3))
    expect(await sum(got.body)).toBe(vectors.versions[1]!.body)
  })

  it('sends nothing that is there', async () => {
    const origin = new Origin()
    await run(origin, large)
    const got = await run(origin, large)
    expect([got.packs, got.newBytes]).toEqual([[], 0])
  })
})

it('compresses where that pays', () => {
  const encode = encoder((c) => c.subarray(0, c.length - 3))
  expect(encode(new Uint8Array(96)).encoding).toBe(plain)
  expect(encode(new Uint8Array(95)).encoding).toBe(1)
  expect(encode(new Uint8Array(128)).encoding).toBe(plain)
})

it('orders as Go does', () => {
  expect(compare('\uff5e', '\u{1f600}')).toBeLessThan(0) // by code units it is the other way
  const of = (path: string, size: number) => ({ path, blob: new Blob([new Uint8Array(size)]) })
  expect(order([of('b-x/a', 1), of('b/c/a', 1), of('b/z', 1), of('b/a', 40_000), of('z', 1)]).map((e) => e.path)).toEqual(['z', 'b/z', 'b/a', 'b/c/a', 'b-x/a'])
})

describe('keys', () => {
  it('are made and read, and nothing else is', async () => {
    const key = await readKey(await makeKey())
    expect(key.publicKey).toHaveLength(32)
    expect(key.sign.extractable).toBe(false)
    for (const wrong of ['', 'a letter', vectors.key.replace('MC4', 'AC4'), vectors.key.slice(0, 60)]) await expect(readKey(wrong)).rejects.toThrow(KeyError)
  })

  it('stand as the trust document says', async () => {
    const [key, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
    const doc = (p: object, revoked: Trusted['revoked'] = []): Trusted => ({ publishers: [{ key: base64(key), name: 'ann', prefixes: [''], ...p }], revoked })
    const is = (d: Trusted, k = key) => standing(d, k, 'till', Date.parse('2026-11-27T00:00:00Z')).is
    expect(is(doc({}))).toBe('trusted')
    expect(is(doc({ prefixes: ['app', 'ti'] }))).toBe('trusted')
    expect(is(doc({ prefixes: ['app'] }))).toBe('elsewhere')
    expect(is(doc({ expires: '2026-11-26T00:00:00Z' }))).toBe('expired')
    expect(is(doc({ expires: '2026-11-28T00:00:00Z' }))).toBe('trusted')
    expect(is(doc({}), other)).toBe('unknown')
    expect(is(doc({}, [{ key: base64(other), name: 'bob', at: '' }]), other)).toBe('revoked')
    expect(trusted({ payload: base64(new TextEncoder().encode(JSON.stringify(doc({})))) })).toEqual(doc({}))
    expect(trusted(null)).toEqual({})
    expect(unbase64(base64(key))).toEqual(key)
  })
})

describe('what was chosen', () => {
  const file = (path: string, size = 1) => Object.assign(new Blob([new Uint8Array(size)]), { name: path.split('/').at(-1)!, webkitRelativePath: path })
  it('is a file, or what lies in a folder', () => {
    expect(chosen([], false)).toBeUndefined()
    expect(chosen([file('a.iso', 3)], false)).toMatchObject({ kind: 'file', title: 'a.iso', bytes: 3, entries: [{ path: 'a.iso' }] })
    expect(chosen([file('app/x/a', 1), file('app/b', 2)], true)).toMatchObject({ kind: 'tree', title: 'app', bytes: 3, entries: [{ path: 'x/a' }, { path: 'b' }] })
  })
  it('is refused where it can not lie everywhere', () => {
    const of = (...paths: string[]) => refusedPath(chosen(paths.map((p) => file(`app/${p}`)), true)!)
    expect(of('a', 'b/c')).toBeUndefined()
    expect(of('a', 'b/nul')).toBe('b/nul')
    expect(of('a', 'c:d')).toBe('c:d')
    expect(of('Read', 'read')).toBe('')
  })
  it('suggests a name', () => {
    for (const [title, name] of [['till-app_2.1.tar.gz', 'till-app'], ['Setup v3.iso', 'setup'], ['prices.db', 'prices'], ['…', ''], ['app', 'app']] as const) expect(suggested(title)).toBe(name)
  })
  it('has a line for a terminal', () => {
    expect(publishLine('my app', 'a', '1+b')).toBe("sitecast publish 'my app' --name a --version 1+b")
    expect(publishLine('', '', '')).toBe('sitecast publish PATH --name NAME --version VERSION')
    expect(quoted("it's")).toBe("'it'\\''s'")
  })
})

it('tells a pace by the last seconds', () => {
  let samples: Sample[] = []
  for (let at = 0; at <= 60_000; at += 1000) samples = sampled(samples, { at, settled: at < 30_000 ? at : 30_000 + 10 * (at - 30_000) })
  expect(samples.length).toBeLessThan(20)
  expect(pace(samples, 430_000)).toEqual({ bps: 80_000, left: 10 })
  expect(pace([], 5)).toBeUndefined()
  expect(pace([{ at: 0, settled: 1 }, { at: 5000, settled: 1 }], 5)).toBeUndefined()
})
