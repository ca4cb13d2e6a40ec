// What a version consists of, and how that is written: the twin of storage/content/order.go, body.go and codec.go.

const bundleBytes = 32 << 10

/** A file that is published, by its path within the version. */
export interface Entry {
  path: string
  blob: Blob
}

/** How far a unit of UTF-16 is down the order of UTF-8, in which Go compares: surrogates come last. */
const rank = (unit: number): number => (unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800)

/** Compares as Go does, byte by byte of UTF-8. */
export function compare(a: string, b: string): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) {
    if (a[i] !== b[i]) return rank(a.charCodeAt(i)) - rank(b.charCodeAt(i))
  }
  return a.length - b.length
}

const dirOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')))
const isSmall = (e: Entry): boolean => e.blob.size < bundleBytes

/** Canonical order: folder by folder, a folder before those in it; in a folder small files first; then by path. */
export function order(entries: readonly Entry[]): Entry[] {
  return entries.map((e) => ({ e, dir: dirOf(e.path).replaceAll('/', '\0') }))
    .sort((a, b) => compare(a.dir, b.dir) || Number(isSmall(b.e)) - Number(isSmall(a.e)) || compare(a.e.path, b.e.path))
    .map(({ e }) => e)
}

/** What is cut together: each large file, and the small files of each folder. Entries are in canonical order. */
export function objects(entries: readonly Entry[]): Entry[][] {
  const out: Entry[][] = []
  for (const e of entries) {
    const last = out.at(-1)
    if (last && isSmall(e) && isSmall(last[0]!) && dirOf(last[0]!.path) === dirOf(e.path)) last.push(e)
    else out.push([e])
  }
  return out
}

/** Makes a body from the chunks of a stream, in order. */
export class Builder {
  private readonly index = new Map<string, number>()
  private readonly chunks: { digest: string; length: number }[] = []
  private readonly runs: { first: number; count: number }[] = []
  uniqueBytes = 0

  get length(): number { return this.chunks.length }

  /** Appends a chunk, and says whether it is its first use. */
  add(digest: string, length: number): boolean {
    const known = this.index.get(digest)
    const at = known ?? this.chunks.length
    if (known === undefined) {
      this.index.set(digest, at)
      this.chunks.push({ digest, length })
      this.uniqueBytes += length
    }
    const last = this.runs.at(-1)
    if (last && last.first + last.count === at) last.count++
    else this.runs.push({ first: at, count: 1 })
    return known === undefined
  }

  /** The body, encoded. */
  encode(entries: readonly Entry[]): Uint8Array<ArrayBuffer> {
    const paths = entries.map((e) => new TextEncoder().encode(e.path))
    const size = 16 + 36 * this.chunks.length + 8 * this.runs.length + paths.reduce((n, p) => n + 11 + p.length, 0)
    const out = new Uint8Array(size)
    const view = new DataView(out.buffer)
    let at = 0
    const u32 = (n: number) => { view.setUint32(at, n); at += 4 }
    u32(0x53434201) // "SCB" and the version
    u32(this.chunks.length)
    u32(this.runs.length)
    u32(entries.length)
    for (const c of this.chunks) {
      out.set(bytesOf(c.digest), at)
      at += 32
      u32(c.length)
    }
    for (const r of this.runs) {
      u32(r.first)
      u32(r.count)
    }
    entries.forEach((e, i) => {
      at++ // no flags: a browser does not know what may be executed
      view.setBigUint64(at, BigInt(e.blob.size))
      view.setUint16(at + 8, paths[i]!.length)
      out.set(paths[i]!, at + 10)
      at += 10 + paths[i]!.length
    })
    return out
  }
}

const digits = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'))

/** Bytes in hexadecimal, and back. */
export const hexOf = (bytes: Uint8Array): string => {
  let out = ''
  for (const b of bytes) out += digits[b]!
  return out
}
export const bytesOf = (hex: string): Uint8Array<ArrayBuffer> => Uint8Array.from({ length: hex.length / 2 }, (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16))

/** The SHA-256 of bytes, in hexadecimal. */
export const sum = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> => hexOf(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))
