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
  private latest: number[] = [] // the delays of the last requests

  /**
   * Takes in one request: the delay until its first byte (milliseconds), and the bytes per
   * second at which the rest of it came. Time is in milliseconds.
   */
  saw(now: number, delay: number, came: number): void {
    this.remember(now, delay)
    // A busy computer is late now and then, a queue delays every request.
    this.latest = [delay, ...this.latest].slice(0, filtered)
    const queue = Math.min(...this.latest) - Math.min(...this.least)
    const off = (target - queue) / target
    if (queue > target / 2) this.starting = false
    if (off >= 0 && came < 0.7 * this.rate) { // something else bounds it: stay just above that
      this.starting = false
      this.rate = Math.max(1.1 * came, 0.8 * this.rate, minRate)
      return
    }
    if (off >= 0) {
      this.rate *= this.starting ? 2 : 1 + growth * off
    } else if (this.latest.length === filtered) { // and look again before it falls further
      this.rate = Math.max(this.rate * (1 + 0.4 * Math.max(off, -1)), minRate)
      this.latest = []
    }
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
const minRate = 64 << 10
const target = 60
const growth = 0.2 // a request, at an empty queue
const remembered = 4
const filtered = 4 // requests of which the least delay counts
