import { Bitmap } from './bitmap'
import { Body } from './body'
import type { Purge } from '../../wire/messages'
import type { Head } from './trust'

/** Where bytes came from, in the order of the journal. */
export const sources = ['origin', 'peer', 'relay', 'reused'] as const
export type Source = (typeof sources)[number]

/** Bytes by source, before any came. */
export const noBytes = (): Record<Source, number> => ({ origin: 0, peer: 0, relay: 0, reused: 0 })

/** Where what is held lies, and why it is not on disk. */
export interface Place {
  kind: 'disk' | 'memory'
  reason?: 'unsupported' | 'quota' | 'busy' | 'asked' | 'evicted'
}

/** What a worker's file system offers (File System standard); the DOM's types leave it out. */
interface SyncHandle {
  read(b: Uint8Array, at: { at: number }): number
  write(b: Uint8Array, at: { at: number }): number
  flush(): void
  truncate(size: number): void
  getSize(): number
  close(): void
}
type FileHandle = FileSystemFileHandle & { createSyncAccessHandle(): Promise<SyncHandle> }

const folder = 'sitecast'
const commitBytes = 8 << 20
const commitAfter = 2000
const lookEvery = 10_000
/** What is kept in memory at most, bytes, where there is no disk. */
export const maxMemory = 512 << 20
const recordBytes = 16
const check = 0x53434a31

/** A version that the store keeps. Which it is was not noted once. */
interface Kept {
  id: string
  name: string
  version?: string
  serial: number
  used: number
}

/** Whether a version must not be kept. One of which it is not known which it is goes, too. */
export function blocked(blocks: Purge[], v: { name: string; version?: string; serial: number }): boolean {
  return blocks.some((p) => p.content === v.name && v.serial <= p.serial && (!p.version || !v.version || p.version === v.version))
}

/** There is no room for a chunk, on disk or in memory. */
export class NoRoom extends Error {}

/**
 * Keeps versions in the origin's private file system: of each a pack, in which chunks lie
 * at fixed offsets, a journal of those that are held, its body and its name. Where that
 * can't be had, or is full, chunks are kept in memory. Whoever reads a chunk checks it.
 */
export class Store {
  private readonly open = new Set<string>()
  private timer: ReturnType<typeof setInterval> | undefined

  private constructor(private dir: FileSystemDirectoryHandle | undefined, readonly place: Place, private readonly moved: (p: Place) => void) {
    if (dir) this.timer = setInterval(() => void this.look(), lookEvery)
  }

  /** Opens the store; `moved` hears when it goes on in memory. */
  static async open(memory: boolean, moved: (p: Place) => void): Promise<Store> {
    if (memory) return new Store(undefined, { kind: 'memory', reason: 'asked' }, moved)
    try {
      return new Store(await home(true), { kind: 'disk' }, moved)
    } catch {
      return new Store(undefined, { kind: 'memory', reason: 'unsupported' }, moved)
    }
  }

  /**
   * Looks whether the browser, or a person, has removed what is kept. What is open then
   * stays readable, and is gone when the page closes; what is opened later is kept again.
   */
  private async look(): Promise<void> {
    if (await home(false).then(() => true, () => false)) return
    this.dir = await home(true).catch(() => undefined)
    if (this.open.size > 0) this.moved({ kind: 'memory', reason: 'evicted' })
  }

  close(): void {
    clearInterval(this.timer)
  }

  /** The encoded body of a version that is kept from an earlier visit. */
  async body(id: string): Promise<Uint8Array | undefined> {
    try {
      const file = await (await this.dir!.getFileHandle(`${id}.body`)).getFile()
      return new Uint8Array(await file.arrayBuffer())
    } catch {
      return undefined
    }
  }

  /** Opens a version's place, with what is held of it. */
  async version(id: string, head: Head, body: Body, encoded: Uint8Array): Promise<Version> {
    const closed = () => void this.open.delete(id)
    if (this.dir) await this.look()
    if (!this.dir) return new Version(body, undefined, this.moved, closed)
    this.open.add(id)
    try {
      await this.makeRoom(head.uniqueBytes + encoded.length, head.name)
      await this.write(`${id}.name`, new TextEncoder().encode(JSON.stringify({ name: head.name, version: head.version, serial: head.serial })))
      await this.write(`${id}.body`, encoded)
      const disk = await Disk.open(this.dir, id, body)
      return new Version(body, disk, this.moved, closed)
    } catch (e) {
      closed()
      // Another tab has it open, or not even the body fits.
      this.moved({ kind: 'memory', reason: isQuota(e) ? 'quota' : 'busy' })
      return new Version(body, undefined, this.moved, closed)
    }
  }

  /** Chunks of other versions of a content that `wanted` has a number for, by their digests. Whoever takes one checks it. */
  async *shared(id: string, name: string, wanted: (digest: string) => number | undefined): AsyncGenerator<{ chunk: number; data: Uint8Array<ArrayBuffer> }> {
    for (const v of await this.others(id, name)) {
      try {
        const body = Body.decode((await this.body(v.id))!)
        const pack = await (await this.dir!.getFileHandle(`${v.id}.pack`)).getFile()
        for (let i = 0, at = 0; i < body.chunks; at += body.lengths[i++]!) {
          const chunk = wanted(body.digest(i))
          if (chunk !== undefined) yield { chunk, data: new Uint8Array(await pack.slice(at, at + body.lengths[i]!).arrayBuffer()) }
        }
      } catch {
        // It is damaged, or was removed meanwhile: what is missing is fetched.
      }
    }
  }

  /** The other versions of a content that are kept. */
  async others(id: string, name: string): Promise<{ id: string }[]> {
    return (await this.list()).filter((v) => v.id !== id && v.name === name)
  }

  /** Removes versions of a content that a newer one replaced. */
  async superseded(name: string, serial: number): Promise<void> {
    for (const v of await this.list()) if (v.name === name && v.serial < serial && !this.open.has(v.id)) await this.remove(v.id)
  }

  /** Removes what is blocked; false while something of it is left. */
  async drop(blocks: Purge[]): Promise<boolean> {
    for (const v of await this.list()) if (blocked(blocks, v) && !this.open.has(v.id)) await this.remove(v.id)
    return !(await this.list()).some((v) => blocked(blocks, v))
  }

  /** Removes what is not in use, the longest unused first and what may share chunks last, until there is room. */
  private async makeRoom(bytes: number, name: string): Promise<void> {
    const versions = (await this.list()).sort((a, b) => Number(a.name === name) - Number(b.name === name) || a.used - b.used)
    for (const v of versions) {
      const { quota = Infinity, usage = 0 } = await navigator.storage.estimate()
      if (quota - usage > bytes) return
      if (!this.open.has(v.id)) await this.remove(v.id)
    }
  }

  /** What the store holds; of a version whose name was torn nothing is known. Nothing, where the browser removed all. */
  private async list(): Promise<Kept[]> {
    const out: Kept[] = []
    try {
      for await (const file of (this.dir as unknown as { keys(): AsyncIterable<string> }).keys()) {
        if (!file.endsWith('.name')) continue
        const text = await (await this.dir!.getFileHandle(file)).getFile()
        const { name = '', version, serial = 0 } = await text.text().then(JSON.parse).catch(() => ({}))
        out.push({ id: file.slice(0, -'.name'.length), name, version, serial, used: text.lastModified })
      }
    } catch {
      // There is no disk, or it was taken away.
    }
    return out
  }

  private async remove(id: string): Promise<void> {
    // The name goes last: what is left of a removal that was cut short is removed later.
    for (const part of ['pack', 'journal', 'body', 'name']) {
      try {
        await this.dir!.removeEntry(`${id}.${part}`)
      } catch (e) {
        if ((e as Error).name !== 'NotFoundError') return // another tab has it open
      }
    }
  }

  private async write(name: string, data: Uint8Array): Promise<void> {
    const file = (await this.dir!.getFileHandle(name, { create: true })) as FileHandle
    const handle = await unlocked(file)
    try {
      handle.truncate(0)
      if (handle.write(data, { at: 0 }) !== data.length) throw new DOMException('', 'QuotaExceededError')
      handle.flush()
    } finally {
      handle.close()
    }
  }
}

/** The folder in which everything is kept. */
async function home(create: boolean): Promise<FileSystemDirectoryHandle> {
  return (await navigator.storage.getDirectory()).getDirectoryHandle(folder, { create })
}

/** Opens a file; the worker of a page that was just reloaded still has it for a moment. */
async function unlocked(file: FileHandle): Promise<SyncHandle> {
  for (let tries = 0; ; tries++) {
    try {
      return await file.createSyncAccessHandle()
    } catch (e) {
      if (tries === 5) throw e
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
}

function isQuota(e: unknown): boolean {
  return e instanceof DOMException && e.name === 'QuotaExceededError'
}

/** The chunks of one version that are held: on disk, and in memory what did not fit there. */
export class Version {
  readonly have: Bitmap
  /** Content bytes by source, and bytes of the origin as they crossed the WAN, since the first visit. */
  readonly bytes = noBytes()
  wan = 0
  private readonly memory = new Map<number, Uint8Array<ArrayBuffer>>()
  private memoryBytes = 0
  private full = false

  constructor(
    private readonly body: Body,
    private readonly disk: Disk | undefined,
    private readonly moved: (p: Place) => void,
    private readonly closed: () => void,
  ) {
    this.have = new Bitmap(body.chunks)
    for (const r of disk?.held ?? []) this.count(r.chunk, sources[r.source] ?? 'peer', r.wan)
    if (disk) disk.failed = (e) => this.leave(e)
  }

  private count(chunk: number, source: Source, wan: number): void {
    if (!this.have.has(chunk)) this.bytes[source] += this.body.lengths[chunk]!
    this.have.set(chunk)
    this.wan += wan
  }

  /** Keeps a chunk whose hash was checked. */
  put(chunk: number, data: Uint8Array<ArrayBuffer>, source: Source, wan: number): void {
    if (this.have.has(chunk)) {
      this.wan += wan
      return
    }
    if (!this.disk || this.full || !this.toDisk(chunk, data, source, wan)) this.toMemory(chunk, data)
    this.count(chunk, source, wan)
  }

  private toDisk(chunk: number, data: Uint8Array, source: Source, wan: number): boolean {
    try {
      this.disk!.put(chunk, data, sources.indexOf(source), wan)
      return true
    } catch (e) {
      this.leave(e)
      return false
    }
  }

  /** From now on chunks are kept in memory: the disk is full, or was taken away. */
  private leave(why: unknown): void {
    if (!this.full) this.moved({ kind: 'memory', reason: isQuota(why) ? 'quota' : 'evicted' })
    this.full = true
  }

  private toMemory(chunk: number, data: Uint8Array<ArrayBuffer>): void {
    if (this.memoryBytes + data.length > maxMemory) throw new NoRoom('the browser gives no more room for this content')
    this.memory.set(chunk, data)
    this.memoryBytes += data.length
  }

  /** Reads a chunk as it is kept; undefined where it is not held. */
  read(chunk: number): Uint8Array<ArrayBuffer> | undefined {
    if (!this.have.has(chunk)) return undefined
    return this.memory.get(chunk)?.slice() ?? this.disk?.read(chunk)
  }

  /** A chunk was not what it should be. */
  forget(chunk: number): void {
    this.have.clear(chunk)
    this.memory.delete(chunk)
    this.disk?.forget(chunk)
  }

  /** Makes durable what was put. */
  commit(): void {
    this.disk?.commit()
  }

  close(): void {
    this.disk?.close()
    this.closed()
  }
}

interface HeldRecord {
  chunk: number
  source: number
  wan: number
}

/**
 * A version on disk. A record of the journal is u32 chunk, u32 source (4: forgotten), u32
 * bytes over the WAN, u32 check; zeros follow the last. It is written after the chunk is
 * durable, so what was torn is fetched again.
 */
class Disk {
  readonly held: HeldRecord[]
  private readonly offsets: Float64Array
  private waiting: HeldRecord[] = []
  private waitingBytes = 0
  private timer: ReturnType<typeof setTimeout> | undefined
  private end = 0
  private closed = false
  /** Hears why records could not be written; their chunks are readable, until the page closes. */
  failed: (why: unknown) => void = () => undefined

  private constructor(private readonly pack: SyncHandle, private readonly journal: SyncHandle, private readonly body: Body) {
    this.offsets = new Float64Array(body.chunks)
    for (let i = 1; i < body.chunks; i++) this.offsets[i] = this.offsets[i - 1]! + body.lengths[i - 1]!
    this.held = this.replay()
    // A disk that is full of chunks has to have room for what says that they are there.
    const most = this.end + recordBytes * (body.chunks - this.held.length)
    if (journal.getSize() < most) journal.truncate(most)
  }

  static async open(dir: FileSystemDirectoryHandle, id: string, body: Body): Promise<Disk> {
    const open = async (name: string) => unlocked((await dir.getFileHandle(`${id}.${name}`, { create: true })) as FileHandle)
    const pack = await open('pack')
    try {
      return new Disk(pack, await open('journal'), body)
    } catch (e) {
      pack.close()
      throw e
    }
  }

  /** Reads what is held; records end with the last one that is whole. */
  private replay(): HeldRecord[] {
    const size = this.journal.getSize()
    const text = new Uint8Array(size)
    this.journal.read(text, { at: 0 })
    const view = new DataView(text.buffer)
    const held = new Map<number, HeldRecord>()
    const packed = this.pack.getSize()
    for (let at = 0; at + recordBytes <= size; at += recordBytes) {
      const [chunk, source, wan] = [view.getUint32(at), view.getUint32(at + 4), view.getUint32(at + 8)] as const
      if (view.getUint32(at + 12) !== ((chunk ^ source ^ wan ^ check) >>> 0) || chunk >= this.body.chunks) continue
      this.end = at + recordBytes
      if (source >= sources.length) held.delete(chunk)
      else if (this.offsets[chunk]! + this.body.lengths[chunk]! <= packed) held.set(chunk, { chunk, source, wan })
    }
    return [...held.values()]
  }

  put(chunk: number, data: Uint8Array, source: number, wan: number): void {
    const n = this.pack.write(data, { at: this.offsets[chunk]! })
    if (n !== data.length) throw new DOMException('', 'QuotaExceededError')
    this.waiting.push({ chunk, source, wan })
    this.waitingBytes += data.length
    if (this.waitingBytes >= commitBytes) this.commit()
    else this.timer ??= setTimeout(() => this.commit(), commitAfter)
  }

  read(chunk: number): Uint8Array<ArrayBuffer> | undefined {
    const out = new Uint8Array(this.body.lengths[chunk]!)
    try {
      return this.pack.read(out, { at: this.offsets[chunk]! }) === out.length ? out : undefined
    } catch {
      return undefined // it is taken away, and fetched again
    }
  }

  forget(chunk: number): void {
    this.waiting.push({ chunk, source: sources.length, wan: 0 })
    this.commit()
  }

  commit(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    if (this.waiting.length === 0 || this.closed) return
    const out = new Uint8Array(recordBytes * this.waiting.length)
    const view = new DataView(out.buffer)
    this.waiting.forEach(({ chunk, source, wan }, i) => {
      const at = recordBytes * i
      view.setUint32(at, chunk)
      view.setUint32(at + 4, source)
      view.setUint32(at + 8, wan)
      view.setUint32(at + 12, (chunk ^ source ^ wan ^ check) >>> 0)
    })
    this.waiting = []
    this.waitingBytes = 0
    try {
      this.pack.flush()
      this.end += this.journal.write(out, { at: this.end })
      this.journal.flush()
    } catch (e) {
      this.failed(e)
    }
  }

  close(): void {
    this.commit()
    this.closed = true
    this.pack.close()
    this.journal.close()
  }
}
