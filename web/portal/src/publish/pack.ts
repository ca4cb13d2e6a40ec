// The file in which chunks come to the origin: the twin of storage/pack.

import { bytesOf, sum } from './body.ts'

/** How a chunk lies in a pack: as it is, or as one frame of zstd that says its size. */
export const plain = 0
export const zstd = 1

/** Compression has to save this part of a chunk, or does not pay for its decoding at every endpoint. */
const leastSaving = 32

/** What encodes a chunk: compressed where that pays. */
export const encoder = (compress: (plain: Uint8Array) => Uint8Array) => (chunk: Uint8Array): { encoding: number; encoded: Uint8Array } => {
  const encoded = compress(chunk)
  return encoded.length < chunk.length - Math.floor(chunk.length / leastSaving) ? { encoding: zstd, encoded } : { encoding: plain, encoded: chunk }
}

const magic = 0x53435001 // "SCP" and the version
const entryBytes = 32 + 4 + 4 + 1

interface Placed { digest: string; length: number; plain: number; encoding: number }

/** A pack that is being filled, in memory. */
export class Pack {
  private readonly parts: Uint8Array[] = []
  private readonly entries: Placed[] = []
  private size = 4
  /** The bytes of its chunks before they were encoded. */
  plainBytes = 0

  get empty(): boolean { return this.entries.length === 0 }

  /** How long it is with one more chunk of n encoded bytes. */
  sizeWith(n: number): number { return this.size + n + (this.entries.length + 1) * entryBytes + 8 }

  add(digest: string, chunk: Uint8Array, encoding: number, encoded: Uint8Array): void {
    this.parts.push(encoding === plain ? encoded.slice() : encoded) // a chunk is part of a buffer that goes
    this.entries.push({ digest, length: encoded.length, plain: chunk.length, encoding })
    this.size += encoded.length
    this.plainBytes += chunk.length
  }

  /** The pack, and its name. */
  async finish(): Promise<{ digest: string; bytes: Uint8Array<ArrayBuffer> }> {
    const bytes = new Uint8Array(this.size + this.entries.length * entryBytes + 8)
    const view = new DataView(bytes.buffer)
    view.setUint32(0, magic)
    let at = 4
    for (const part of this.parts) {
      bytes.set(part, at)
      at += part.length
    }
    for (const e of this.entries) {
      bytes.set(bytesOf(e.digest), at)
      view.setUint32(at + 32, e.length)
      view.setUint32(at + 36, e.plain)
      bytes[at + 40] = e.encoding
      at += entryBytes
    }
    view.setUint32(at, this.entries.length)
    view.setUint32(at + 4, magic)
    return { digest: await sum(bytes), bytes }
  }
}
