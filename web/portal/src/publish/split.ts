// Where content is cut: the twin of storage/content/split.go. The same bytes are cut at the same places in Go and here, or
// nothing of what sites hold would be found again.

import { gearHigh, gearLow } from './gear.ts'

export const minChunkBytes = 32 << 10
export const avgChunkBytes = 64 << 10
export const maxChunkBytes = 256 << 10

/** Bits of a mask, spread from the highest of 64 down: high and low half. */
function spread(bits: number): readonly [number, number] {
  const step = Math.floor(64 / bits)
  let [high, low] = [0, 0]
  for (let at = 63, i = 0; i < bits; i++, at -= step) at >= 32 ? (high |= 1 << (at - 32)) : (low |= 1 << at)
  return [high, low]
}

// Normalised chunking of level 2: cuts are rarer before the average, and likelier after it.
const [strictHigh, strictLow] = spread(Math.log2(avgChunkBytes) + 2)
const [looseHigh, looseLow] = spread(Math.log2(avgChunkBytes) - 2)

/**
 * The length of the first chunk of b[from, end). Fewer bytes than maxChunkBytes are taken for the end of the object.
 */
export function cut(b: Uint8Array, from: number, end: number): number {
  let n = end - from
  let normal = avgChunkBytes
  if (n <= minChunkBytes) return n
  if (n >= maxChunkBytes) n = maxChunkBytes
  else if (n <= normal) normal = n
  let [high, low, maskHigh, maskLow] = [0, 0, strictHigh, strictLow]
  for (let i = minChunkBytes; i < n; i++) {
    if (i === normal) [maskHigh, maskLow] = [looseHigh, looseLow]
    const byte = b[from + i]!
    const add = gearLow[byte]!
    high = (high << 1) | (low >>> 31)
    low = ((low << 1) + add) | 0
    high = (high + gearHigh[byte]! + (low >>> 0 < add ? 1 : 0)) | 0
    if ((high & maskHigh) === 0 && (low & maskLow) === 0) return i
  }
  return n
}
