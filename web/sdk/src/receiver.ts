import type { Frame } from '../../wire/frames'
import { FrameBody, MaxDataBytes } from '../../wire/messages'

/** What a peer may have under way to us, bytes: the memory that half-received chunks of one link take. */
export const creditWindow = 4 << 20
const creditStep = creditWindow / 8

/** Pieces lie at multiples of it, and are as long as a multiple of it but for the last of a target. */
const pieceStep = MaxDataBytes / 16

/** Collects the pieces of one target, which come in any order. */
class Assembly {
  private buffer: Uint8Array<ArrayBuffer> | undefined
  private readonly seen: Uint8Array
  missing: number

  constructor(readonly length: number) {
    this.missing = Math.ceil(length / pieceStep)
    this.seen = new Uint8Array(this.missing)
  }

  /** Copies a piece in; false when it is malformed. One seen before is dropped. */
  add(from: number, piece: Uint8Array): boolean {
    const end = from + piece.length
    if (from % pieceStep !== 0 || piece.length === 0 || end > this.length || (end % pieceStep !== 0 && end !== this.length)) return false
    this.buffer ??= new Uint8Array(this.length)
    for (let at = from; at < end; at += pieceStep) {
      const step = at / pieceStep
      if (this.seen[step]) continue
      this.seen[step] = 1
      this.missing--
      this.buffer.set(piece.subarray(at - from, Math.min(at + pieceStep, end) - from), at)
    }
    return true
  }

  get whole(): Uint8Array<ArrayBuffer> {
    return this.buffer!
  }
}

/** A chunk of a version, or (chunk is -1) its body. */
export interface Target {
  version: string
  chunk: number
}

const keyOf = (t: Target) => `${t.version}/${t.chunk}`

/** Assembles what one peer sends of what was asked of it, and grants it credit. */
export class Receiver {
  private readonly expected = new Map<string, Assembly>()
  private crossing = creditWindow // bytes that may come though nobody waits for them
  private waiting = 0 // bytes of whole chunks that are not stored yet
  private consumed = 0
  private granted = creditWindow

  expect(t: Target, length: number): void {
    const key = keyOf(t)
    if (!this.expected.has(key)) this.expected.set(key, new Assembly(length))
  }

  /** Drops what has come in for a target. All of it may be under way. */
  forget(t: Target): void {
    this.drop(keyOf(t))
  }

  forgetVersion(version: string): void {
    for (const key of [...this.expected.keys()]) if (key.startsWith(`${version}/`)) this.drop(key)
  }

  private drop(key: string): void {
    const a = this.expected.get(key)
    if (!a) return
    this.crossing += a.length
    this.expected.delete(key)
  }

  /** How many steps of a target have not come. */
  left(t: Target): number {
    return this.expected.get(keyOf(t))?.missing ?? 0
  }

  /** Takes one bulk frame; `ok` is false when it breaks the rules, `whole` is there when it completes its target. */
  piece(f: Frame): { ok: boolean; target: Target; whole?: Uint8Array<ArrayBuffer> } {
    const target = { version: f.version!, chunk: f.kind === FrameBody ? -1 : f.number! }
    const payload = f.payload!
    this.consumed += payload.length
    if (this.consumed > this.granted) return { ok: false, target }
    const key = keyOf(target)
    const a = this.expected.get(key)
    if (!a) {
      this.crossing -= payload.length
      return { ok: this.crossing >= 0, target }
    }
    if (!a.add(f.offset!, payload)) return { ok: false, target }
    if (a.missing > 0) return { ok: true, target }
    this.expected.delete(key)
    return { ok: true, target, whole: a.whole }
  }

  /** Bytes of a whole chunk wait for the store, or (negative) no longer do. */
  waits(bytes: number): void {
    this.waiting += bytes
  }

  /** The new total to allow, or 0 while enough is left or waits. */
  renew(): number {
    if (this.granted - this.consumed > creditWindow / 2) return 0
    const total = this.consumed + creditWindow - Math.min(this.waiting, creditWindow)
    if (total < this.granted + creditStep) return 0
    this.granted = total
    return total
  }
}
