// What an endpoint holds of a version, as a strip of few pieces.

import type { Schemas } from '../api.ts'

export type Run = Schemas['ChunkRun']

/** A piece of a strip: where it begins, how wide it is, and how high in quarters. */
export interface Piece {
  x: number
  width: number
  level: number
}

/** The level of what is held whole. */
export const whole = 4

/** The pieces of a strip in which something is held, and together no more than the strip has room for. */
export function pieces(runs: readonly Run[], buckets: number): Piece[] {
  const out: Piece[] = []
  let x = 0
  for (const { n, level } of runs) {
    const width = Math.min(n, buckets - x)
    if (width <= 0) break
    if (level > 0) out.push({ x, width, level: Math.min(level, whole) })
    x += width
  }
  return out
}
