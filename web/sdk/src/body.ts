import { MaxBodyBytes, MaxChunkBytes, MaxChunks, MaxFiles, MaxPathBytes, MaxRuns, MaxSegmentBytes, MaxStreamChunks } from '../../wire/messages'
import { isDevice } from '../../wire/names'
import { hexOf } from '../../wire/frames'
import { need } from '../../wire/read'
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
    need(encoded.length >= 16 && encoded.length <= MaxBodyBytes, 'length of a body')
    const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.byteLength)
    need(view.getUint32(0) === 0x53434201, 'format of a body')
    const [chunks, runs, files] = [view.getUint32(4), view.getUint32(8), view.getUint32(12)] as const
    const counted = chunks <= MaxChunks && runs <= MaxRuns && files <= MaxFiles
    need(counted && chunks * 36 + runs * 8 + files * 11 <= encoded.length - 16, 'number of chunks, runs or files')
    const digests = new Uint8Array(32 * chunks)
    const lengths = new Uint32Array(chunks)
    let at = 16
    for (let i = 0; i < chunks; i++, at += 36) {
      digests.set(encoded.subarray(at, at + 32), 32 * i)
      lengths[i] = view.getUint32(at + 32)
      need(lengths[i]! > 0 && lengths[i]! <= MaxChunkBytes, 'length of a chunk')
    }
    unlike(digests, chunks)
    const stream = readRuns(view, at, runs, chunks)
    const list = readFiles(encoded, view, at + 8 * runs, files)
    const bytes = stream.reduce((n, c) => n + lengths[c]!, 0)
    const end = list.at(-1)
    need((end ? end.at + end.size : 0) === bytes, 'length of all files')
    checkPaths(list.map((f) => f.path))
    return new Body(digests, lengths, stream, list, bytes)
  }

  /** The way from a trusted head to its body. */
  static async open(head: Head, encoded: Uint8Array): Promise<Body> {
    need(encoded.length === head.bodyBytes && (await sha256Hex(encoded)) === head.body, 'digest of a body')
    const body = Body.decode(encoded)
    const unique = body.lengths.reduce((n, l) => n + l, 0)
    const single = body.files.length === 1 && !body.files[0]!.dir && !body.files[0]!.path.includes('/')
    need(body.bytes === head.bytes && unique === head.uniqueBytes && body.chunks === head.chunks && (head.kind !== 'file' || single), 'what the head announces')
    return body
  }
}

function unlike(digests: Uint8Array, chunks: number): void {
  const seen = new Set<string>()
  for (let i = 0; i < chunks; i++) seen.add(String.fromCharCode(...digests.subarray(32 * i, 32 * i + 32)))
  need(seen.size === chunks, 'a digest')
}

/** There is one way to spell a stream: runs are as long as they can be, and chunks are used in order first. */
function readRuns(view: DataView, at: number, runs: number, chunks: number): Uint32Array {
  let used = 0
  let end = -1
  const spelled: [number, number][] = []
  let length = 0
  for (let i = 0; i < runs; i++, at += 8) {
    const [first, n] = [view.getUint32(at), view.getUint32(at + 4)] as const
    need(n > 0 && n <= MaxChunks && first <= used && first + n <= chunks && first !== end, 'a run')
    end = first + n
    used = Math.max(used, end)
    length += n
    need(length <= MaxStreamChunks, 'length of the stream')
    spelled.push([first, n])
  }
  need(used === chunks, 'a chunk')
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
    need(encoded.length - at >= 11, 'a file')
    const flags = view.getUint8(at)
    const size = view.getUint32(at + 1) * 2 ** 32 + view.getUint32(at + 5)
    const length = view.getUint16(at + 9)
    at += 11
    const dir = (flags & 2) !== 0
    const sound = flags <= 3 && Number.isSafeInteger(size) && (!dir || (size === 0 && flags === 2))
    need(sound && length <= encoded.length - at, 'a file')
    out.push({ path: text.decode(encoded.subarray(at, at + length)), size, executable: (flags & 1) !== 0, dir, at: begins })
    begins += size
    at += length
  }
  need(at === encoded.length, 'the end of a body')
  return out
}

/** Whether it is a relative path that names the same file on every platform. */
export function isPath(path: string): boolean {
  if (path === '' || utf8(path).length > MaxPathBytes || path !== path.normalize('NFC') || /[\p{Cc}\\:]/u.test(path)) return false
  return path.split('/').every((part) => !/^(\.\.?)?$|[. ]$/.test(part) && utf8(part).length <= MaxSegmentBytes && !isDevice(part))
}

/** Accepts paths that can lie side by side where case and Unicode form do not count. */
export function checkPaths(paths: string[]): void {
  need(paths.every(isPath), 'a path')
  const kinds = new Map<string, string>() // of each path, or "/" and the folder as it is written
  for (const path of paths) {
    const parts = path.split('/')
    for (let i = 1; i <= parts.length; i++) {
      const written = parts.slice(0, i).join('/')
      const value = i === parts.length ? written : `/${written}`
      const before = kinds.get(fold(written))
      need(before === undefined || (i < parts.length && before === value), 'a path beside another')
      kinds.set(fold(written), value)
    }
  }
}

/** Equal for paths that are one path where case and Unicode form do not count. */
const fold = (path: string) => path.normalize('NFD').toUpperCase().toLowerCase().normalize('NFD')
