import { decompress } from 'fzstd'

/**
 * Decodes a chunk of a pack: exactly one frame of zstd, into exactly `length` bytes. The
 * frame is walked first, because a few bytes may announce gigabytes; what comes out is
 * believed by its hash alone.
 */
export function decodeChunk(encoded: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  if (frameEnd(encoded) !== encoded.length) throw new Error('chunk is not one frame of zstd')
  const out = new Uint8Array(length)
  decompress(encoded, out)
  return out
}

/** Where the frame at the beginning ends; -1 where none does (RFC 8878, 3.1.1). */
function frameEnd(b: Uint8Array): number {
  if (b.length < 6 || b[0] !== 0x28 || b[1] !== 0xb5 || b[2] !== 0x2f || b[3] !== 0xfd) return -1
  const descriptor = b[4]!
  const single = (descriptor >> 5) & 1
  const sizeBytes = [single, 2, 4, 8][descriptor >> 6]!
  let at = 5 + (1 - single) + [0, 1, 2, 4][descriptor & 3]! + sizeBytes
  for (let last = 0; !last; ) {
    if (at + 3 > b.length) return -1
    const header = b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16)
    last = header & 1
    const size = header >> 3
    const repeated = ((header >> 1) & 3) === 1 // one byte, many times
    at += 3 + (repeated ? 1 : size)
  }
  return at + (descriptor & 4 ? 4 : 0)
}
