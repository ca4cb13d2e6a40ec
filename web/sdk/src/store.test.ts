import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Body } from './body'
import { utf8, concat } from './encoding'
import { NoRoom, Store, type Place, type Version } from './store'
import type { Head } from './trust'

/** A disk of a browser, in memory: files that one handle at a time has open, and room that ends. */
class FakeDisk {
  files = new Map<string, Uint8Array<ArrayBuffer>>()
  open = new Set<string>()
  room = Infinity
  folder = false

  gone = false // handles fail

  get used(): number {
    return [...this.files.values()].reduce((n, f) => n + f.length, 0)
  }

  handle(name: string) {
    const disk = this
    if (this.open.has(name)) throw new DOMException('', 'NoModificationAllowedError')
    this.open.add(name)
    return {
      read(b: Uint8Array, { at }: { at: number }) {
        if (disk.gone) throw new DOMException('', 'InvalidStateError')
        const part = disk.files.get(name)!.subarray(at, at + b.length)
        b.set(part)
        return part.length
      },
      write(b: Uint8Array, { at }: { at: number }) {
        if (disk.gone) throw new DOMException('', 'InvalidStateError')
        const old = disk.files.get(name)!
        const grown = Math.max(0, at + b.length - old.length)
        if (disk.used + grown > disk.room) throw new DOMException('', 'QuotaExceededError')
        const next = new Uint8Array(old.length + grown)
        next.set(old)
        next.set(b, at)
        disk.files.set(name, next)
        return b.length
      },
      flush() {},
      truncate(n: number) {
        const old = disk.files.get(name)!
        if (disk.used + n - old.length > disk.room) throw new DOMException('', 'QuotaExceededError')
        const next = new Uint8Array(n)
        next.set(old.subarray(0, n))
        disk.files.set(name, next)
      },
      getSize: () => disk.files.get(name)!.length,
      close: () => disk.open.delete(name),
    }
  }

  get storage() {
    const dir = {
      getDirectoryHandle: async (_: string, { create }: { create: boolean }) => {
        if (!(this.folder ||= create)) throw new DOMException('', 'NotFoundError')
        return dir
      },
      getFileHandle: async (name: string, options?: { create: boolean }) => {
        if (!this.files.has(name)) {
          if (!options?.create) throw new DOMException('', 'NotFoundError')
          this.files.set(name, new Uint8Array())
        }
        const data = () => this.files.get(name)!
        return {
          createSyncAccessHandle: async () => this.handle(name),
          getFile: async () => ({ arrayBuffer: async () => data().slice().buffer, text: async () => new TextDecoder().decode(data()), slice: (from: number, to: number) => new Blob([data().slice(from, to)]), lastModified: 0 }),
        }
      },
      removeEntry: async (name: string) => {
        if (this.open.has(name)) throw new DOMException('', 'NoModificationAllowedError')
        if (!this.files.delete(name)) throw new DOMException('', 'NotFoundError')
      },
      keys: async function* (this: void) {
        yield* [...names()]
      },
    }
    const names = () => this.files.keys()
    return { getDirectory: async () => dir, estimate: async () => ({ quota: this.room, usage: this.used }) }
  }
}

const lengths = [3000, 5000, 4000]

function encodedBody(): Uint8Array<ArrayBuffer> {
  const u32 = (...n: number[]) => Uint8Array.from(n.flatMap((v) => [v >>> 24, (v >>> 16) & 255, (v >>> 8) & 255, v & 255]))
  const rows = lengths.flatMap((n, i) => [new Uint8Array(32).fill(i + 1), u32(n)])
  return concat(utf8('SCB'), Uint8Array.of(1), u32(3, 1, 1), ...rows, u32(0, 3), Uint8Array.of(0), u32(0, 12_000), Uint8Array.of(0, 1), utf8('a'))
}

describe('the store', () => {
  const encoded = encodedBody()
  const body = Body.decode(encoded)
  const head = (name: string, serial: number): Head => ({
    name, serial, version: String(serial), created: 1, expires: 0, kind: 'file', bytes: 12_000, uniqueBytes: 12_000, chunks: 3, body: '', bodyBytes: encoded.length,
  })
  const data = (i: number) => new Uint8Array(lengths[i]!).fill(i + 1)
  let disk: FakeDisk
  let moved: Place[]

  beforeEach(() => {
    vi.useFakeTimers()
    disk = new FakeDisk()
    moved = []
    vi.stubGlobal('navigator', { storage: disk.storage })
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })

  const store = (memory = false) => Store.open(memory, (p) => moved.push(p))
  const version = async (s: Store, id = 'v1', serial = 1): Promise<Version> => {
    const opening = s.version(id, head('app', serial), body, encoded)
    await vi.advanceTimersByTimeAsync(2000)
    return opening
  }

  it('drops what is blocked, and says when nothing of it is left', async () => {
    const store = await Store.open(false, (p) => moved.push(p))
    for (const [id, name, serial] of [['v1', 'app', 1], ['v2', 'app', 2], ['w1', 'film', 3]] as const) {
      const v = await store.version(id, head(name, serial), body, encoded)
      v.put(0, data(0), 'origin', 0)
      v.close()
    }
    disk.files.set('v0.name', new Uint8Array(utf8('{"name":"app","serial":1}'))) // of a page from before versions were noted
    expect(await store.drop([{ content: 'app', version: '7', serial: Number.MAX_SAFE_INTEGER, block: true }])).toBe(true)
    expect([...disk.files.keys()].filter((f) => f.endsWith('.name'))).toEqual(['v1.name', 'v2.name', 'w1.name'])
    disk.open.add('v2.pack') // in another tab
    const all = [{ content: 'app', serial: Number.MAX_SAFE_INTEGER, block: true }]
    expect(await store.drop(all)).toBe(false)
    expect([...disk.files.keys()].some((f) => f.startsWith('v1'))).toBe(false)
    disk.open.clear()
    expect(await store.drop(all)).toBe(true)
    expect([...new Set([...disk.files.keys()].map((f) => f.split('.')[0]))]).toEqual(['w1'])
    store.close()
  })

  it('knows after a reload what was held, and where that came from', async () => {
    const v = await version(await store())
    v.put(2, data(2), 'origin', 900)
    v.put(0, data(0), 'peer', 0)
    await vi.advanceTimersByTimeAsync(2000) // committed by itself
    disk.open.clear() // the page is gone
    const s = await store()
    expect(await s.body('v1')).toEqual(encoded)
    const again = await version(s)
    expect([0, 1, 2].map((i) => again.have.has(i))).toEqual([true, false, true])
    expect([again.bytes, again.wan]).toEqual([{ origin: 4000, peer: 3000, relay: 0, reused: 0 }, 900])
    expect(again.read(2)).toEqual(data(2))
    expect(again.read(1)).toBeUndefined()
  })

  it('loses what was not committed, and nothing else', async () => {
    const v = await version(await store())
    v.put(0, data(0), 'peer', 0)
    v.commit()
    v.put(1, data(1), 'peer', 0)
    const journal = disk.files.get('v1.journal')!
    journal.copyWithin(16, 0, 7) // and a record that was torn
    disk.open.clear()
    const again = await version(await store())
    expect([0, 1, 2].map((i) => again.have.has(i))).toEqual([true, false, false])
  })

  it('does not believe a journal that is damaged, nor one that the pack does not bear out', async () => {
    const v = await version(await store())
    v.put(0, data(0), 'peer', 0)
    v.put(2, data(2), 'peer', 0)
    v.commit()
    disk.files.get('v1.journal')![3]! ^= 1
    disk.files.set('v1.pack', disk.files.get('v1.pack')!.slice(0, 9000))
    disk.open.clear()
    expect((await version(await store())).have.count()).toBe(0)
  })

  it('goes on in memory when the disk is full, and says so', async () => {
    const v = await version(await store())
    v.put(0, data(0), 'peer', 0)
    disk.room = 0
    v.put(1, data(1), 'peer', 0)
    expect(moved).toEqual([{ kind: 'memory', reason: 'quota' }])
    expect([v.read(0), v.read(1)]).toEqual([data(0), data(1)])
  })

  it('knows after a reload what was held though the disk was full', async () => {
    const v = await version(await store())
    disk.room = disk.used + 3000
    v.put(0, data(0), 'peer', 0)
    v.put(1, data(1), 'peer', 0)
    await vi.advanceTimersByTimeAsync(2000)
    expect(moved).toEqual([{ kind: 'memory', reason: 'quota' }])
    disk.open.clear()
    const again = await version(await store())
    expect([0, 1].map((i) => again.have.has(i))).toEqual([true, false])
  })

  it('appends to a journal whose last record was torn', async () => {
    const v = await version(await store())
    v.put(0, data(0), 'peer', 0)
    v.commit()
    disk.files.get('v1.journal')!.fill(9, 16, 23)
    disk.open.clear()
    const next = await version(await store())
    next.put(1, data(1), 'peer', 0)
    next.commit()
    disk.open.clear()
    expect((await version(await store())).have.count()).toBe(2)
  })

  it('says that the browser removed what was kept, and keeps the next version again', async () => {
    const s = await store()
    const v = await version(s)
    v.put(0, data(0), 'peer', 0)
    for (const name of ['v1.name', 'v1.body']) disk.files.delete(name) // what is open stays so
    disk.folder = false
    await vi.advanceTimersByTimeAsync(10_000)
    expect(moved).toEqual([{ kind: 'memory', reason: 'evicted' }])
    expect(v.read(0)).toEqual(data(0))
    await version(s, 'v2', 2)
    expect(disk.files.has('v2.body')).toBe(true)
    s.close()
  })

  it('keeps in memory what comes after the disk was taken away, and fetches again what can not be read', async () => {
    const v = await version(await store())
    v.put(0, data(0), 'peer', 0)
    disk.gone = true
    v.put(1, data(1), 'peer', 0)
    expect(moved).toEqual([{ kind: 'memory', reason: 'evicted' }])
    expect([v.read(0), v.read(1)]).toEqual([undefined, data(1)])
  })

  it('says when there is no room anywhere', async () => {
    const v = await version(await store(true))
    const huge = new Uint8Array(0)
    Object.defineProperty(huge, 'length', { value: 2 ** 31 })
    expect(() => v.put(0, huge, 'peer', 0)).toThrow(NoRoom)
  })

  it('goes on in memory where another tab has the version open', async () => {
    await version(await store())
    await version(await store())
    expect(moved).toEqual([{ kind: 'memory', reason: 'busy' }])
  })

  it('keeps in memory where there is no disk', async () => {
    vi.stubGlobal('navigator', { storage: {} })
    const s = await store()
    expect(s.place).toEqual({ kind: 'memory', reason: 'unsupported' })
    const v = await version(s)
    v.put(1, data(1), 'relay', 0)
    expect(v.read(1)).toEqual(data(1))
    expect(v.bytes.relay).toBe(5000)
  })

  it('forgets what is damaged, for good', async () => {
    const v = await version(await store())
    v.put(0, data(0), 'peer', 0)
    v.forget(0)
    disk.open.clear()
    expect((await version(await store())).have.has(0)).toBe(false)
  })

  it('finds what another version of a content shares, and is not stopped by one that is damaged', async () => {
    const s = await store()
    const v = await version(s)
    for (const i of [0, 1, 2]) v.put(i, data(i), 'peer', 0)
    v.close()
    ;(await version(s, 'torn')).close()
    disk.files.set('torn.body', new Uint8Array(3))
    ;(await version(s, 'nameless')).close()
    disk.files.set('nameless.name', new Uint8Array())
    expect((await s.others('v2', 'app')).map((one) => one.id)).toEqual(['v1', 'torn'])
    expect(await s.others('v2', 'film')).toEqual([])
    const wanted = new Map([[body.digest(2), 7], [body.digest(1), 9]])
    const found = []
    for await (const one of s.shared('v2', 'app', (digest) => wanted.get(digest))) found.push(one)
    expect(found).toEqual([{ chunk: 9, data: data(1) }, { chunk: 7, data: data(2) }])
  })

  it('holds nothing that can be shared where there is no disk', async () => {
    for await (const one of (await store(true)).shared('v2', 'app', () => 0)) expect(one).toBeUndefined()
  })

  it('removes what a newer version replaced, and other versions when there is no room', async () => {
    let s = await store()
    for (const [id, serial] of [['old', 1], ['new', 2]] as const) (await version(s, id, serial)).close()
    await s.superseded('app', 2)
    expect([...disk.files.keys()].some((f) => f.startsWith('old'))).toBe(false)
    disk.room = 12_250
    s = await store() // at a later visit
    ;(await version(s, 'third', 3)).put(0, data(0), 'peer', 0)
    expect([...disk.files.keys()].some((f) => f.startsWith('new'))).toBe(false)
    expect(moved).toEqual([])
  })
})
