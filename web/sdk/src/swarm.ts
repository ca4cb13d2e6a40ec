import { Bitmap } from './bitmap'

/**
 * Decides, for one version at one endpoint, which chunk to ask of which peer and whom to
 * tell of a chunk that came: rarest first, with a bounded number of bytes outstanding at
 * each peer. What comes fresh from the origin is told to two peers first, in rotation, and
 * a moment later to the rest, so that they pass it on instead of all asking here. It is
 * pure: time (milliseconds) and randomness are handed in.
 */
export class Swarm {
  readonly have: Bitmap
  missing: number
  private readonly peers = new Map<string, Peer>()
  private readonly holders: Uint16Array
  private readonly asked: Uint8Array
  private readonly leased: Bitmap
  private readonly candidates: Candidates
  private readonly ahead: Ahead
  private news: { chunk: number; due: number }[] = []
  private turn = 0
  private urgent: number[] = []
  private waiting = 0 // since when chunks on offer came only by relay; 0 when none are
  /** When peers behind a relay beyond the WAN are asked. */
  relay: 'patience' | 'never' | 'at once' = 'patience'

  constructor(readonly lengths: Uint32Array, held: Bitmap, private readonly random: () => number) {
    const n = lengths.length
    this.have = new Bitmap(n)
    this.have.bytes.set(held.bytes)
    this.missing = n - this.have.count()
    this.holders = new Uint16Array(n)
    this.asked = new Uint8Array(n)
    this.leased = new Bitmap(n)
    this.candidates = new Candidates(n)
    this.ahead = new Ahead(n)
  }

  /** Begins the exchange with a peer that holds nothing yet; false for one that is known. */
  add(id: string, relayed: boolean): boolean {
    if (this.peers.has(id)) return false
    const told = new Bitmap(this.lengths.length)
    told.bytes.set(this.have.bytes)
    this.peers.set(id, new Peer(id, relayed, new Bitmap(this.lengths.length), told))
    return true
  }

  /** Forgets a peer; what it owed is asked of others. */
  remove(id: string): void {
    const p = this.peers.get(id)
    if (!p) return
    this.peers.delete(id)
    for (const i of [...p.wants.keys()]) this.settle(p, i)
    for (let i = 0; i < this.lengths.length; i++) {
      if (!p.has.has(i)) continue
      this.hold(i, -1)
      this.reconsider(i)
    }
  }

  /** A peer says that it holds chunks. */
  holds(id: string, chunks: Iterable<number>): void {
    const p = this.peers.get(id)
    if (!p) return
    for (const i of chunks) {
      if (i >= this.lengths.length || p.has.has(i)) continue
      p.has.set(i)
      this.hold(i, 1)
      this.reconsider(i)
    }
  }

  /** A peer will not deliver chunks. One that is busy keeps them; either way it is left alone for a moment. */
  refused(now: number, id: string, busy: boolean, chunks: Iterable<number>): void {
    const p = this.peers.get(id)
    if (!p) return
    for (const i of chunks) {
      if (this.settle(p, i)) p.strike(now, busy ? busyHoldOff : refuseHoldOff)
      if (!busy && p.has.has(i)) {
        p.has.clear(i)
        this.hold(i, -1)
      }
      this.reconsider(i)
    }
  }

  /** Chunks that this endpoint fetches from the origin are not asked of peers, too. */
  lease(chunks: Iterable<number>, on: boolean): void {
    for (const i of chunks) {
      if (on) this.leased.set(i)
      else this.leased.clear(i)
      this.reconsider(i)
    }
  }

  /** Chunks that somebody reads right now are asked for before rarer ones. */
  want(chunks: number[]): void {
    this.urgent = chunks
  }

  /** A chunk came from a peer, fresh from the origin, or from another version; returns the peers that owe it, too. */
  got(now: number, i: number, from: string | undefined, fresh: boolean): string[] {
    const source = from === undefined ? undefined : this.peers.get(from)
    source?.delivered(now, this.lengths[i]!)
    const cancel: string[] = []
    for (const p of this.peers.values()) if (this.settle(p, i) && p.id !== from) cancel.push(p.id)
    if (!this.have.has(i)) {
      this.have.set(i)
      this.missing--
      if (!source?.relayed) this.waiting = now
      if (fresh) this.ahead.came(i, this.lengths[i]!, this.holders[i]!)
      this.spread(now, i, fresh)
    }
    this.leased.clear(i)
    this.reconsider(i)
    return cancel
  }

  /** A chunk that was held is damaged or gone. */
  lost(i: number): void {
    if (!this.have.has(i)) return
    this.have.clear(i)
    this.ahead.went(i, this.lengths[i]!, this.holders[i]!)
    this.missing++
    for (const p of this.peers.values()) p.told.clear(i)
    this.reconsider(i)
  }

  /** Bytes fetched here that no peer holds yet, while peers take what is fetched: they are lost with this tab. */
  aheadBytes(now: number): number {
    const direct = [...this.peers.values()].some((p) => !p.relayed)
    return direct ? this.ahead.bytesAt(now) : 0
  }

  /** The announcements that are due. */
  tell(now: number): Map<string, number[]> {
    while (this.news.length > 0 && this.news[0]!.due <= now) {
      const { chunk } = this.news.shift()!
      if (this.have.has(chunk)) for (const p of this.peers.values()) this.announce(p, chunk)
    }
    const out = new Map<string, number[]>()
    for (const p of this.peers.values()) {
      const fresh = p.tell.filter((i) => !p.told.has(i) && (p.told.set(i), true))
      p.tell = []
      if (fresh.length > 0) out.set(p.id, fresh)
    }
    return out
  }

  /** What to ask of whom now, most wanted first; it counts as asked. */
  plan(now: number): Ask[] {
    const asks: Ask[] = []
    for (const p of this.peers.values()) {
      const cancel = this.replace(now, p)
      if (cancel.length > 0) asks.push({ peer: p.id, want: [], cancel })
    }
    if (this.missing === 0) return asks
    if (this.candidates.size === 0) {
      if (![...this.peers.values()].some((p) => p.owed > 0)) this.waiting = 0
    } else if (this.waiting === 0) {
      this.waiting = now
    }
    const turns = [...this.peers.values()]
      .filter((p) => !p.relayed || this.relaying(now))
      .map((p) => ({ p, room: p.room(now), tie: this.random() }))
      .filter((t) => t.room > 0)
      .sort((a, b) => (b.room >> 16) - (a.room >> 16) || a.tie - b.tie)
    for (const t of turns) {
      const want = this.choose(now, t.p, t.room)
      if (want.length > 0) asks.push({ peer: t.p.id, want, cancel: [] })
    }
    return asks
  }

  /** When time alone will change a decision; Infinity when only events will. */
  next(now: number): number {
    let at = this.news[0]?.due ?? Infinity
    if (this.missing === 0) return at
    for (const p of this.peers.values()) {
      if (p.owed > 0) {
        at = Math.min(at, p.stallsAt())
        if (this.candidates.size === 0) at = Math.min(at, now + endgameAge)
      }
      if (p.holdOff > now) at = Math.min(at, p.holdOff)
      if (p.relayed && this.relay === 'patience' && this.candidates.size > 0 && !this.relaying(now)) at = Math.min(at, this.waiting + relayPatience)
    }
    return at
  }

  private relaying(now: number): boolean {
    if (this.relay !== 'patience') return this.relay === 'at once'
    return this.waiting !== 0 && now >= this.waiting + relayPatience
  }

  private choose(now: number, p: Peer, room: number): number[] {
    const found: number[] = []
    for (const i of this.urgent) if (this.candidates.has(i) && p.has.has(i)) found.push(i)
    const first = found.length
    const n = this.candidates.size
    const start = Math.floor(this.random() * n)
    for (let k = 0; k < Math.min(n, scanLimit); k++) {
      const i = this.candidates.at((start + k) % n)
      if (p.has.has(i) && !this.urgent.includes(i) && !(p.relayed && this.nearby(i))) found.push(i)
    }
    if (n === 0 && !p.relayed) this.endgame(now, p, found)
    const rest = found.splice(first).sort((a, b) => this.holders[a]! - this.holders[b]!) // stable: ties stay shuffled
    const want: number[] = []
    for (const i of [...found, ...rest]) {
      if (room <= 0) break
      room -= this.lengths[i]!
      this.ask(now, p, i)
      want.push(i)
    }
    return want
  }

  /** The last chunks that another peer has owed for long are asked of a second one. */
  private endgame(now: number, p: Peer, found: number[]): void {
    for (const other of this.peers.values()) {
      if (other === p) continue
      for (const [i, since] of other.wants) {
        if (!p.wants.has(i) && this.asked[i] === 1 && p.has.has(i) && now - since >= endgameAge) found.push(i)
      }
    }
  }

  private ask(now: number, p: Peer, i: number): void {
    if (p.owed === 0) p.heard = p.periodStart = p.askedAt = now
    if (p.owed === 0) p.periodBytes = 0
    p.wants.set(i, now)
    p.owed += this.lengths[i]!
    this.asked[i]!++
    this.reconsider(i)
  }

  /** Frees what a stalled peer owes. */
  private replace(now: number, p: Peer): number[] {
    if (p.owed === 0 || now < p.stallsAt()) return []
    const cancel = [...p.wants.keys()]
    p.rate /= 4
    p.strike(now, stallHoldOff)
    for (const i of cancel) {
      this.settle(p, i)
      this.reconsider(i)
    }
    return cancel
  }

  private settle(p: Peer, i: number): boolean {
    if (!p.wants.delete(i)) return false
    this.asked[i]!--
    p.owed -= this.lengths[i]!
    this.reconsider(i)
    return true
  }

  private hold(i: number, by: number): void {
    this.ahead.held(i, this.lengths[i]!, this.holders[i]!, by)
    this.holders[i]! += by
  }

  private reconsider(i: number): void {
    const open = this.holders[i]! > 0 && this.asked[i] === 0 && !this.have.has(i) && !this.leased.has(i)
    if (open) this.candidates.add(i)
    else this.candidates.remove(i)
  }

  private nearby(i: number): boolean {
    for (const p of this.peers.values()) if (!p.relayed && p.strikes === 0 && p.has.has(i)) return true
    return false
  }

  private announce(p: Peer, i: number): void {
    if (!p.has.has(i)) p.tell.push(i)
  }

  private spread(now: number, i: number, fresh: boolean): void {
    const all = [...this.peers.values()]
    if (!fresh || all.length <= firstTold) {
      for (const p of all) this.announce(p, i)
      return
    }
    let told = 0
    for (let k = 0; k < all.length && told < firstTold; k++) {
      const p = all[this.turn++ % all.length]!
      if (p.has.has(i)) continue
      this.announce(p, i)
      told++
    }
    this.news.push({ chunk: i, due: now + tellRestAfter })
  }
}

/** What to send to one peer. */
export interface Ask {
  peer: string
  want: number[]
  cancel: number[]
}

const minWindow = 512 << 10 // what is outstanding at one peer, bytes
const maxWindow = 2 << 20
const windowTime = 250 // and how much of its rate that holds, milliseconds
const trialBytes = 64 << 10 // of a peer with strikes
const firstTold = 2
const tellRestAfter = 100
const endgameAge = 500
const scanLimit = 2048
const relayPatience = 10_000
const stallAfter = 3000
const stallTrips = 8
const maxPatience = 60_000
const stallHoldOff = 5000
const busyHoldOff = 1000
const refuseHoldOff = 250
const maxHoldOff = 120_000
const rateTime = 200
const aheadPatience = 3000

/** What is known of one other endpoint for this version. */
class Peer {
  tell: number[] = []
  readonly wants = new Map<number, number>() // chunks it owes, and since when
  owed = 0
  heard = 0
  strikes = 0
  holdOff = 0
  askedAt = 0
  trip = 0 // bounds the round trip from above; 0 while unknown
  rate = 0 // bytes per second
  best = 0
  periodBytes = 0
  periodStart = 0

  constructor(readonly id: string, readonly relayed: boolean, readonly has: Bitmap, readonly told: Bitmap) {}

  /** Leaves the peer alone for a while, longer each time. */
  strike(now: number, first: number): void {
    if (now < this.holdOff) return
    this.holdOff = now + Math.min(first * 2 ** Math.min(this.strikes, 10), maxHoldOff)
    this.strikes++
  }

  stallsAt(): number {
    return this.heard + Math.min(Math.max(stallAfter, stallTrips * this.trip) * 2 ** Math.min(this.strikes, 4), maxPatience)
  }

  /** How many more bytes may be asked of it. */
  room(now: number): number {
    if (now < this.holdOff) return 0
    const holds = (this.rate * (windowTime + 2 * this.trip)) / 1000
    const window = this.strikes > 0 ? trialBytes : Math.min(Math.max(holds, minWindow), maxWindow)
    return window - this.owed
  }

  /** Measures rate and round trip, and forgives half its strikes. */
  delivered(now: number, bytes: number): void {
    if (this.askedAt > 0) {
      const trip = now - this.askedAt
      if (this.trip === 0 || trip < this.trip) this.trip = trip
      this.askedAt = 0
    }
    this.heard = now
    this.strikes >>= 1
    if (this.strikes === 0) this.holdOff = 0
    this.periodBytes += bytes
    const span = now - this.periodStart
    if (span < rateTime) return
    const rate = (this.periodBytes * 1000) / span
    this.rate = this.rate === 0 ? rate : this.rate + ((rate - this.rate) * span) / (span + 3 * rateTime)
    this.best = Math.max(this.best, this.rate)
    this.periodBytes = 0
    this.periodStart = now
  }
}

/** A set of chunks that can be walked from any place. */
class Candidates {
  private readonly list: number[] = []
  private readonly place: Uint32Array // in the list, plus one

  constructor(n: number) {
    this.place = new Uint32Array(n)
  }

  get size(): number {
    return this.list.length
  }

  at(k: number): number {
    return this.list[k]!
  }

  has(i: number): boolean {
    return this.place[i]! > 0
  }

  add(i: number): void {
    if (this.place[i] === 0) this.place[i] = this.list.push(i)
  }

  remove(i: number): void {
    const at = this.place[i]!
    if (!at) return
    const last = this.list.pop()!
    if (last !== i) {
      this.list[at - 1] = last
      this.place[last] = at
    }
    this.place[i] = 0
  }
}

/** What came from the origin and is in no other hands yet. */
class Ahead {
  private readonly fresh: Bitmap
  private bytes = 0
  private shared = 0 // how many got their first other holder
  private seen = 0
  private since = 0

  constructor(n: number) {
    this.fresh = new Bitmap(n)
  }

  came(i: number, length: number, holders: number): void {
    this.fresh.set(i)
    if (holders === 0) this.bytes += length
  }

  went(i: number, length: number, holders: number): void {
    if (!this.fresh.has(i)) return
    this.fresh.clear(i)
    if (holders === 0) this.bytes -= length
  }

  held(i: number, length: number, holders: number, by: number): void {
    if (!this.fresh.has(i)) return
    if (by > 0 && holders === 0) {
      this.bytes -= length
      this.shared++
    } else if (by < 0 && holders === 1) {
      this.bytes += length
    }
  }

  /** 0 when peers have not begun to take, or took nothing for a while. */
  bytesAt(now: number): number {
    if (this.shared !== this.seen) {
      this.seen = this.shared
      this.since = now
    }
    return this.shared === 0 || now - this.since >= aheadPatience ? 0 : this.bytes
  }
}
