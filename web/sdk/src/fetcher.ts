import { CodeBadChunk, type Heard, type Lease, type LeaseState } from '../../wire/messages'
import { clip, randomHex } from './encoding'
import type { Engine } from './engine'
import { active, type Flow, type Held } from './flow'
import { fetchStep, slices, stepOf, wholeRate, type Pace, type Step } from './origin'
import { noBytes } from './store'
import { decodeChunk } from './zstd'

const orphanAfter = 900 // how long fetches go on after the socket is lost, before the peers are asked
const maxAhead = 1 << 20 // what a fetcher may have that nobody else holds, bytes
const aheadTime = 0.25 // or so many seconds of its rate
const lookAgain = 100
const floorEvery = 20 // one request in so many is for a flow that waits for more urgent ones

/**
 * Fetches what is leased from the origin: one small request at a time, the most urgent
 * lease first, at the rate that is granted. A tab may be gone any moment, so it never is
 * far ahead of its peers.
 */
export class Fetcher {
  private leases: Held[] = []
  private running = false
  private requests = 0
  private takenBytes = 0
  private abort = new AbortController()
  private lostAt = 0 // when the socket was lost; 0 while there is one
  private judgeAt = 0
  private stopped = false

  constructor(private readonly e: Engine) {}

  // ---- what the server says

  granted(lease: Lease): void {
    const f = this.e.flows.get(lease.flow)
    const held: Held = { lease, at: 0, verified: 0, started: false, ended: false, failed: '', said: false, announce: false }
    if (!f) {
      const failed = [{ epoch: lease.epoch, lease: lease.lease, verified: 0, failed: 'flow is not known here' }]
      this.e.cfg.uplink.send('progress', { flow: lease.flow, bytes: noBytes(), wan_bytes: 0, leases: failed })
      return
    }
    this.leases.push(held)
    if (!active(f)) this.giveBack(held, 'flow is paused here')
    else if (lease.body && f.body) this.giveBack(held, 'body is held already')
    else f.swarm?.lease(chunksOf(lease), true)
    f.dirty = true
  }

  revoked(r: Heard['revoke']): void {
    for (const h of this.leases) if (h.lease.epoch === r.epoch && h.lease.lease === r.lease) this.giveBack(h, 'revoked')
  }

  // ---- the socket

  connected(): void {
    this.lostAt = this.judgeAt = 0
  }

  disconnected(): void {
    this.lostAt = performance.now()
    this.judgeAt = this.lostAt + orphanAfter
  }

  /** A peer that has a socket again while we have none makes us look again. */
  peerUplink(on: boolean): void {
    if (on && this.lostAt && !this.judgeAt) this.judgeAt = performance.now() + orphanAfter
  }

  /** Ends what may not be fetched any more without a socket; returns when to look again. */
  orphaned(now: number): number {
    if (!this.lostAt) return Infinity
    if (this.judgeAt && now >= this.judgeAt) {
      this.judgeAt = 0
      if ([...this.e.peers.values()].some((l) => l.uplink)) {
        for (const h of this.leases) this.giveBack(h, 'socket lost, the site is served without this endpoint')
      }
    }
    let next = this.judgeAt || Infinity
    for (const h of this.leases) {
      if (h.ended || h.failed) continue
      const lapses = this.lostAt + h.lease.ttl_ms
      if (now >= lapses) this.giveBack(h, 'lapsed without a socket')
      else next = Math.min(next, lapses)
    }
    return next
  }

  /** A new session hears of the leases that still run, and of no others. */
  announce(): void {
    this.leases = this.leases.filter((h) => !h.ended && !h.failed)
    for (const h of this.leases) h.announce = true
  }

  /** A flow's leases; those that ended are reported once. */
  states(f: Flow): LeaseState[] {
    const out: LeaseState[] = []
    for (const h of this.leases) {
      if (h.lease.flow !== f.id || h.said) continue
      const { epoch, lease, body, pack, from, to } = h.lease
      const state: LeaseState = { epoch, lease, verified: h.verified, done: h.ended && !h.failed, failed: clip(h.failed) }
      if (h.announce) state.range = { body: body ?? false, pack, from, to }
      h.announce = false
      h.said = h.ended
      out.push(state)
    }
    this.leases = this.leases.filter((h) => !h.said)
    return out
  }

  fetchesBody(f: Flow): boolean {
    return this.leases.some((h) => h.lease.flow === f.id && h.lease.body && !h.ended)
  }

  giveBackAll(f: Flow, why: string): void {
    for (const h of this.leases) if (h.lease.flow === f.id) this.giveBack(h, why)
  }

  /** Nobody asks any more how a flow's leases ended. */
  forget(f: Flow): void {
    this.leases = this.leases.filter((h) => h.lease.flow !== f.id)
  }

  private giveBack(h: Held, why: string): void {
    if (h.ended || h.failed) return
    h.failed = why
    if (h === this.current) this.abort.abort(new Error(why)) // its end is told when the request has ended
    else this.end(h)
  }

  private end(h: Held): void {
    h.ended = true
    const f = this.e.flows.get(h.lease.flow)
    if (!f) return
    f.swarm?.lease(chunksOf(h.lease), false)
    f.dirty = true
    f.reportedAt = -Infinity // the server hears at once, and grants the next
    this.e.decide()
  }

  stop(): void {
    this.stopped = true
    this.abort.abort(new Error('the page left'))
  }

  // ---- the origin

  private current: Held | undefined

  /** Fetches while there is a lease that can be. */
  run(): void {
    if (this.running || this.stopped || !this.pick()) return
    this.running = true
    void this.loop().finally(() => (this.running = false))
  }

  private async loop(): Promise<void> {
    for (let h = this.pick(); h && !this.stopped; h = this.pick()) {
      this.current = h
      this.abort = new AbortController()
      try {
        await this.request(h)
      } catch (err) {
        h.failed ||= clip((err as Error).message)
      }
      this.current = undefined
      if (h.failed) this.end(h)
    }
  }

  /** The lease whose turn it is: of the most urgent flow, and now and then of another. */
  private pick(): Held | undefined {
    const ready = this.leases.filter((h) => {
      const f = this.e.flows.get(h.lease.flow)
      return !h.ended && !h.failed && f && active(f) && (h.lease.body || f.swarm)
    })
    const rank = (h: Held) => this.e.flows.get(h.lease.flow)!.priority
    ready.sort((a, b) => rank(a) - rank(b) || Number(a.lease.next ?? false) - Number(b.lease.next ?? false))
    const low = ready.find((h) => rank(h) > rank(ready[0]!))
    return low && this.requests % floorEvery === floorEvery - 1 ? low : ready[0]
  }

  /** One request of a lease. */
  private async request(h: Held): Promise<void> {
    const f = this.e.flows.get(h.lease.flow)!
    this.skipHeld(h, f)
    await this.waitForPeers(f)
    const rate = this.e.grants.rate(performance.now())
    const step = stepOf(h.lease, h.at, rate)
    if (!step) return this.end(h)
    this.requests++
    const began = performance.now()
    const pace = { key: randomHex(16), rate }
    const looking = setInterval(() => this.look(pace), lookAgain)
    const answer = await fetchStep(this.e.cfg.server, h.lease, step, pace, this.abort.signal).finally(() => clearInterval(looking))
    this.takenBytes += answer.bytes.length
    if (this.e.grants.paced) this.e.grants.pacer.saw(began, answer.delay, answer.rate)
    this.tellTaken()
    const allowed = this.e.grants.rate(performance.now())
    if (step.body) await this.keepBody(h, f, answer.bytes)
    else await this.keepParts(h, f, step, answer.bytes)
    if (!stepOf(h.lease, h.at, rate) && !h.failed) this.end(h)
    // An origin that does not pace is asked less often instead.
    await pause((answer.bytes.length * 1000) / Math.max(rate, allowed) - (performance.now() - began), this.abort.signal)
  }

  /** Passes over leading parts that a peer brought meanwhile. */
  private skipHeld(h: Held, f: Flow): void {
    while (h.verified === h.at && f.swarm?.have.has(h.lease.parts?.[h.at]?.c ?? -1)) {
      h.at++
      h.verified++
    }
  }

  /** Waits while peers have yet to take what came before: it would have to come again if this tab closed now. */
  private async waitForPeers(f: Flow): Promise<void> {
    const most = () => Math.max(maxAhead, this.e.grants.rate(performance.now()) * aheadTime)
    while (f.swarm && f.swarm.aheadBytes(performance.now()) > most()) await pause(lookAgain, this.abort.signal)
    this.abort.signal.throwIfAborted()
  }

  private async keepBody(h: Held, f: Flow, bytes: Uint8Array): Promise<void> {
    h.body ??= new Uint8Array(h.lease.to - h.lease.from)
    h.body.set(bytes, h.at)
    h.at += bytes.length
    if (h.at < h.body.length) return
    if (!(await this.e.bodyCame(f, h.body))) {
      h.failed = 'body is not what the head names'
      this.e.cfg.uplink.send('report', { flow: f.id, code: 'bad_body', detail: h.failed })
    }
  }

  private async keepParts(h: Held, f: Flow, step: Step, answer: Uint8Array<ArrayBuffer>): Promise<void> {
    const checked: Promise<boolean>[] = []
    for (const { part, encoded } of slices(step, answer)) {
      if (part.c >= f.head.chunks) throw new Error(`lease names chunk ${part.c} of ${f.head.chunks}`)
      const plain = part.e ? decodeChunk(encoded, f.body!.lengths[part.c]!) : encoded.slice()
      checked.push(this.e.admit(f, part.c, plain, 'origin', part.n))
    }
    for (const [i, good] of (await Promise.all(checked)).entries()) {
      if (!good) {
        const detail = `chunk ${step.parts[i]!.c} from the origin does not match its digest`
        this.e.cfg.uplink.send('report', { flow: f.id, code: CodeBadChunk, detail })
        throw new Error(detail)
      }
      h.at++
      h.verified++
    }
    f.dirty = true
  }

  /** While an answer comes: tells what was taken, and changes the pace when another rate is granted. */
  private look(pace: Pace): void {
    this.tellTaken()
    const rate = this.e.grants.rate(performance.now())
    if (this.e.grants.paced || !Number.isFinite(pace.rate) || Math.abs(rate - pace.rate) < pace.rate / 4) return
    pace.rate = rate
    this.e.cfg.uplink.send('pace', { key: pace.key, bytes_per_second: wholeRate(rate) })
  }

  /** Tells the holder of the governor what was taken: on the link to it, or by way of the server. */
  private tellTaken(): void {
    const told = this.e.grants.taken(performance.now(), this.takenBytes)
    if (!told) return
    if (this.e.peers.has(told.to)) this.e.send(told.to, told.frame)
    else this.e.cfg.uplink.send('taken', { to: told.to, bytes: this.takenBytes, wants: true })
  }
}

const chunksOf = (l: Lease): number[] => (l.parts ?? []).map((p) => p.c)

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (!(ms > 0) || signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms)
    function done(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done)
  })
}
