/**
 * How fast a browser fetches from the origin where nobody governs the line: by the delay
 * of first bytes, as LEDBAT does (RFC 6817). A first byte that takes longer than it took at
 * best has waited in a queue; the rate aims at a queue of `target` and is far below what
 * would fill one, so that others on the line come first. It is pure.
 */
export class Pacer {
  /** Bytes per second. */
  rate = startRate
  private starting = true
  private least: number[] = [] // the least delay of each of the last minutes
  private minute = -1

  /**
   * Takes in one request: the delay until its first byte (milliseconds), and the bytes per
   * second at which the rest of it came. Time is in milliseconds.
   */
  saw(now: number, delay: number, came: number): void {
    this.remember(now, delay)
    const queue = delay - Math.min(...this.least)
    const off = (target - queue) / target
    if (queue > target / 2) this.starting = false
    if (off >= 0 && came < 0.7 * this.rate) {
      this.starting = false
      this.rate = Math.max(came * 1.1, minRate) // something else bounds it: stay just above that
      return
    }
    const gain = this.starting ? 1 : off > 0 ? 0.1 * off : 0.5 * Math.max(off, -1)
    this.rate = Math.max(this.rate * (1 + gain), minRate)
  }

  /** The least delay counts for a few minutes: routes change. */
  private remember(now: number, delay: number): void {
    const minute = Math.floor(now / 60_000)
    if (minute !== this.minute) {
      this.minute = minute
      this.least = [delay, ...this.least].slice(0, remembered)
    }
    this.least[0] = Math.min(this.least[0]!, delay)
  }
}

const startRate = 256 << 10
const minRate = 32 << 10
const target = 60
const remembered = 4
