/** A set of chunks: chunk i is bit i mod 8, least significant first, of byte i div 8. */
export class Bitmap {
  readonly bytes: Uint8Array<ArrayBuffer>

  constructor(readonly chunks: number) {
    this.bytes = new Uint8Array((chunks + 7) >> 3)
  }

  has(i: number): boolean {
    return ((this.bytes[i >> 3] ?? 0) & (1 << (i & 7))) !== 0
  }

  set(i: number): void {
    if (i < this.chunks) this.bytes[i >> 3]! |= 1 << (i & 7)
  }

  clear(i: number): void {
    if (i < this.chunks) this.bytes[i >> 3]! &= ~(1 << (i & 7))
  }

  count(): number {
    let n = 0
    for (let i = 0; i < this.chunks; i++) if (this.has(i)) n++
    return n
  }
}

/** The chunks named by bitmap bytes from chunk `first` on. */
export function* chunksIn(first: number, bits: Uint8Array): Generator<number> {
  for (let k = 0; k < bits.length; k++) {
    for (let bit = 0; bits[k]! >> bit; bit++) if (bits[k]! & (1 << bit)) yield first + 8 * k + bit
  }
}
