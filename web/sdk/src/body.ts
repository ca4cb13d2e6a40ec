import { MaxBodyBytes, MaxChunkBytes, MaxChunks, MaxFiles, MaxPathBytes, MaxRuns, MaxSegmentBytes, MaxStreamChunks } from '../../wire/messages'
import { isDevice } from '../../wire/names'
import { hexOf } from '../../wire/frames'
import { sha256Hex, utf8 } from './encoding'
import type { Head } from './trust'

/** One file of a version, or an empty folder, and where it begins in the stream of all files. */
export interface File {
  path: string
  size: number
  executable: boolean
  dir: boolean
  at: number
}

/**
 * What a version consists of: unique chunks in the order of their first use, the runs of
 * chunk indexes that spell the stream, and the files as they lie in the stream.
 */
export class Body {
  /** Where each use of a chunk begins in the stream, and which chunk that is. */
  private readonly starts: Float64Array
  private readonly stream: Uint32Array

  private constructor(
    readonly digests: Uint8Array, // 32 bytes a chunk
    readonly lengths: Uint32Array,
    stream: Uint32Array,
    readonly files: File[],
    readonly bytes: number,
  ) {
    this.stream = stream
    this.starts = new Float64Array(stream.length)
    let at = 0
    for (let i = 0; i < stream.length; i++) {
      this.starts[i] = at
      at += lengths[stream[i]!]!
    }
  }

  get chunks(): number {
    return this.lengths.length
  }

  /** The digest of a chunk, in hexadecimal. */
  digest(chunk: number): string {
    return hexOf(this.digests.subarray(32 * chunk, 32 * chunk + 32))
  }

  /** The chunks that make up bytes [from, to) of the stream, in order, each with its part. */
  *spell(from: number, to: number): Generator<{ chunk: number; start: number; end: number }> {
    let low = 0
    let high = this.stream.length
    while (low < high) { // the first use that ends after from
      const mid = (low + high) >> 1
      if (this.starts[mid]! + this.lengths[this.stream[mid]!]! > from) high = mid
      else low = mid + 1
    }
    for (let i = low; i < this.stream.length && this.starts[i]! < to; i++) {
      const chunk = this.stream[i]!
      const begins = this.starts[i]!
      yield { chunk, start: Math.max(0, from - begins), end: Math.min(this.lengths[chunk]!, to - begins) }
    }
  }

  /** Decodes and checks a body; throws what is wrong. */
  static decode(encoded: Uint8Array): Body {
    if (encoded.length > MaxBodyBytes) throw new Error(`body of ${encoded.length} bytes, limit ${MaxBodyBytes}`)
    const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.byteLength)
    if (encoded.length < 16 || view.getUint32(0) !== 0x53434201) throw new Error('no body of version 1')
    const [chunks, runs, files] = [view.getUint32(4), view.getUint32(8), view.getUint32(12)] as const
    if (chunks > MaxChunks || runs > MaxRuns || files > MaxFiles) throw new Error('body of too many chunks, runs or files')
    if (chunks * 36 + runs * 8 + files * 11 > encoded.length - 16) throw new Error('body is cut off')
    const digests = new Uint8Array(32 * chunks)
    const lengths = new Uint32Array(chunks)
    let at = 16
    for (let i = 0; i < chunks; i++, at += 36) {
      digests.set(encoded.subarray(at, at + 32), 32 * i)
      lengths[i] = view.getUint32(at + 32)
      if (lengths[i] === 0 || lengths[i]! > MaxChunkBytes) throw new Error(`chunk ${i} of ${lengths[i]} bytes`)
    }
    unlike(digests, chunks)
    const stream = readRuns(view, at, runs, chunks)
    const list = readFiles(encoded, view, at + 8 * runs, files)
    const bytes = stream.reduce((n, c) => n + lengths[c]!, 0)
    const end = list.at(-1)
    if ((end ? end.at + end.size : 0) !== bytes) throw new Error('files and chunks are not of one length')
    checkPaths(list.map((f) => f.path))
    return new Body(digests, lengths, stream, list, bytes)
  }

  /** The way from a trusted head to its body. */
  static async open(head: Head, encoded: Uint8Array): Promise<Body> {
    if (encoded.length !== head.bodyBytes) throw new Error(`body of ${encoded.length} bytes, want ${head.bodyBytes}`)
    if ((await sha256Hex(encoded)) !== head.body) throw new Error('body does not match its digest')
    const body = Body.decode(encoded)
    const unique = body.lengths.reduce((n, l) => n + l, 0)
    const single = body.files.length === 1 && !body.files[0]!.dir && !body.files[0]!.path.includes('/')
    if (body.bytes !== head.bytes || unique !== head.uniqueBytes || body.chunks !== head.chunks || (head.kind === 'file' && !single)) {
      throw new Error('body is not what the head announces')
    }
    return body
  }
}

function unlike(digests: Uint8Array, chunks: number): void {
  const seen = new Set<string>()
  for (let i = 0; i < chunks; i++) seen.add(String.fromCharCode(...digests.subarray(32 * i, 32 * i + 32)))
  if (seen.size !== chunks) throw new Error('body lists a chunk twice')
}

/** There is one way to spell a stream: runs are as long as they can be, and chunks are used in order first. */
function readRuns(view: DataView, at: number, runs: number, chunks: number): Uint32Array {
  let used = 0
  let end = -1
  const spelled: [number, number][] = []
  let length = 0
  for (let i = 0; i < runs; i++, at += 8) {
    const [first, n] = [view.getUint32(at), view.getUint32(at + 4)] as const
    if (n === 0 || n > MaxChunks || first > used || first + n > chunks || first === end) throw new Error(`run ${i} is not as runs are`)
    end = first + n
    used = Math.max(used, end)
    length += n
    if (length > MaxStreamChunks) throw new Error('stream of too many chunks')
    spelled.push([first, n])
  }
  if (used !== chunks) throw new Error(`${used} of ${chunks} chunks used`)
  const stream = new Uint32Array(length)
  let i = 0
  for (const [first, n] of spelled) for (let c = first; c < first + n; c++) stream[i++] = c
  return stream
}

function readFiles(encoded: Uint8Array, view: DataView, at: number, files: number): File[] {
  const out: File[] = []
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let begins = 0
  for (let i = 0; i < files; i++) {
    if (encoded.length - at < 11) throw new Error(`file ${i} is cut off`)
    const flags = view.getUint8(at)
    const size = view.getUint32(at + 1) * 2 ** 32 + view.getUint32(at + 5)
    const length = view.getUint16(at + 9)
    at += 11
    if (flags & ~3 || !Number.isSafeInteger(size)) throw new Error(`file ${i} has unknown flags, or no size`)
    if (length > encoded.length - at) throw new Error(`path of file ${i} is cut off`)
    const dir = (flags & 2) !== 0
    if (dir && (size !== 0 || flags & 1)) throw new Error(`file ${i} is a folder with a size or executable`)
    out.push({ path: text.decode(encoded.subarray(at, at + length)), size, executable: (flags & 1) !== 0, dir, at: begins })
    begins += size
    at += length
  }
  if (at !== encoded.length) throw new Error(`${encoded.length - at} bytes after the last file`)
  return out
}

/** Accepts a relative path that names the same file on every platform. */
function checkPath(path: string): void {
  const fault = pathFault(path)
  if (fault) throw new Error(`path ${JSON.stringify(path.slice(0, 200))} ${fault}`)
}

function pathFault(path: string): string {
  if (path === '' || utf8(path).length > MaxPathBytes) return 'is empty or too long'
  if (path !== path.normalize('NFC')) return 'is not in Unicode normal form C'
  if (/[\p{Cc}\\:]/u.test(path)) return 'has a control character, backslash or colon'
  for (const part of path.split('/')) {
    if (part === '' || part === '.' || part === '..' || utf8(part).length > MaxSegmentBytes) return 'has a part that is empty, relative or too long'
    if (/[. ]$/.test(part) || isDevice(part)) return 'has a part that Windows takes for something else'
  }
  return ''
}

/** Accepts paths that can lie side by side where case and Unicode form do not count. */
function checkPaths(paths: string[]): void {
  paths.forEach(checkPath)
  const kinds = new Map<string, string>() // of each path, or "/" and the folder as it is written
  for (const path of paths) {
    const parts = path.split('/')
    for (let i = 1; i <= parts.length; i++) {
      const written = parts.slice(0, i).join('/')
      const value = i === parts.length ? written : `/${written}`
      const before = kinds.get(fold(written))
      if (before !== undefined && (i === parts.length || before !== value)) throw new Error(`path ${JSON.stringify(path.slice(0, 200))} collides with another`)
      kinds.set(fold(written), value)
    }
  }
}

/** Equal for paths that are one path where case and Unicode form do not count. */
const fold = (path: string) => path.normalize('NFD').toUpperCase().toLowerCase().normalize('NFD')
