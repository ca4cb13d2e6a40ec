import type { Frame } from '../../wire/frames'
import { FrameTaken, TakenWants, type Govern, type Grant } from '../../wire/messages'
import { Pacer } from './pacer'

/**
 * What this endpoint may take over the WAN: the grants of the governor's holder, its share
 * of the floor when none holds, and the pacer's rate where nobody governs. A browser is
 * never holder or stand-by.
 */
export class Grants {
  readonly pacer = new Pacer()
  private govern: Govern | undefined
  private grant: (Omit<Grant, 'from' | 'to'> & { until: number }) | undefined
  private toldAt = 0

  appointed(g: Govern): void {
    if (this.govern && order(g, this.govern) <= 0) return
    this.govern = g
  }

  granted(now: number, from: string | undefined, g: Omit<Grant, 'from' | 'to'>): void {
    const known = this.govern
    if (!known || !from || (from !== known.holder && from !== known.stand_by)) return
    if (g.epoch !== known.epoch || (this.grant && order(g, this.grant) <= 0)) return
    this.grant = { ...g, until: now + g.valid_ms }
  }

  /** A new session appoints anew. */
  forget(): void {
    this.govern = this.grant = undefined
  }

  /** Bytes per second that may be taken now. */
  rate(now: number): number {
    const g = this.govern
    const fetchers = Math.max(1, g?.fetchers?.length ?? 1)
    const bound = g && g.bound >= 0 ? g.bound : Infinity
    if (!g?.holder) return Math.min(this.pacer.rate, bound / fetchers)
    const mine = this.grant
    if (!mine || now >= mine.until) return Math.min(Math.max(mine?.floor ?? 0, minFloor), bound) / fetchers
    const rate = mine.bytes_per_second < 0 ? Infinity : mine.bytes_per_second
    // The holder may not know of a lower bound yet.
    return mine.site > bound ? Math.min((rate * bound) / mine.site, bound) : Math.min(rate, bound)
  }

  /** Whether the own delays decide, so that they are to be learned from. */
  get paced(): boolean {
    return !this.govern?.holder
  }

  /** What to tell the holder of bytes taken, at most ten times a second. */
  taken(now: number, bytes: number): { to: string; frame: Frame } | undefined {
    if (!this.govern?.holder || now - this.toldAt < tellEvery) return undefined
    this.toldAt = now
    return { to: this.govern.holder, frame: { kind: FrameTaken, total: bytes, flags: TakenWants } }
  }
}

const minFloor = 4 << 10 // bytes per second, as the controller's least rate
const tellEvery = 100

function order(a: { epoch: number; term: number; seq?: number }, b: { epoch: number; term: number; seq?: number }): number {
  return a.epoch - b.epoch || a.term - b.term || (a.seq ?? 0) - (b.seq ?? 0)
}
