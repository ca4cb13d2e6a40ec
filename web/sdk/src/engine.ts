import { RefusedError, type Message } from '../../wire/codec'
import {
  CodeBadHead, CodeBadBody, CodeDiskFull, CodeReplayed, CodeStore, FrameCancel, FrameHave, FrameHaveList, FrameLeave, FrameUplink, FrameWant, MaxHaveBytes,
  MaxListed, UplinkHeld, FrameJoin, JoinBodyHeld, JoinReplyWanted, FrameHaveBody, type Heard, type Purge, type Said, type Welcome,
} from '../../wire/messages'
import type { Frame } from '../../wire/frames'
import { Body } from './body'
import { clip, sha256Hex } from './encoding'
import { Exchange } from './exchange'
import { Fetcher } from './fetcher'
import { active, newFlow, type Flow } from './flow'
import { Grants } from './grants'
import type { Link } from './link'
import type { Sessions } from './sessions'
import { blocked, noBytes, NoRoom, type Source, type Store } from './store'
import { report } from './report'
import { Swarm } from './swarm'
import { Trust, type Head } from './trust'

/** What an engine is made of, and whom it tells. */
export interface EngineConfig {
  server: URL
  store: Store
  root: Uint8Array<ArrayBuffer>
  trust: Trust
  uplink: { send<K extends keyof Said>(kind: K, body: Said[K]): boolean; now(): number; connected: boolean }
  links(): Pick<Sessions, 'dial' | 'signal' | 'hangUp' | 'networks' | 'servers'>
  /** Something changed that the page may want to show. */
  changed(): void
  warn(code: string, detail: string): void
}

const retryFailed = 30_000

/**
 * Runs an endpoint's downloads, as edge/engine does for agents. It owns every flow, lease
 * and link; each event changes its state, and then it decides what to do. Bytes are stored,
 * announced, served and handed out only after their hash matched a version that a trusted
 * key signed.
 */
export class Engine {
  readonly flows = new Map<string, Flow>()
  readonly peers = new Map<string, Link>()
  readonly grants = new Grants()
  readonly exchange: Exchange
  readonly fetcher: Fetcher
  /** Whether the server has told what it wants since the page joined. */
  told = false
  private readonly wanted = new Set<string>() // names, or NAME@VERSION
  private readonly visitors = new Map<string, Set<string>>() // what peers take part in that take no part in others
  private trust: Trust
  private obeying = 0 // the generation that is obeyed, or soon
  private deciding = false
  private timer: ReturnType<typeof setTimeout> | undefined
  private stopped = false

  constructor(readonly cfg: EngineConfig) {
    this.trust = cfg.trust
    this.exchange = new Exchange(this)
    this.fetcher = new Fetcher(this)
  }

  connected(w: Welcome): void {
    this.cfg.links().servers(w.ice)
    this.tellUplink(true)
    this.fetcher.connected()
    if (!w.resumed) {
      this.fetcher.announce()
      this.grants.forget()
      for (const f of this.flows.values()) Object.assign(f, { reported: undefined, announced: false, dirty: true, reportedAt: -Infinity, relay: '' })
      for (const l of this.peers.values()) this.cfg.uplink.send('linked', { peer: l.peer, attempt: l.attempt, up: true, relayed: l.relayed })
    }
    this.decide()
  }

  disconnected(): void {
    this.tellUplink(false)
    this.fetcher.disconnected()
    this.decide()
  }

  async heard(m: Message): Promise<void> {
    switch (m.kind) {
      case 'trust':
        await this.newTrust(m.body.document)
        break
      case 'flow':
        await this.desired(m.body)
        break
      case 'flows':
        this.closeGeneration(m.body)
        break
      case 'dial':
        this.visits(m.body.peer, m.body.visitor?.flows)
        this.cfg.links().dial(m.body.peer, m.body.attempt)
        break
      case 'hang_up':
        this.cfg.links().hangUp(m.body.peer)
        break
      case 'visiting':
        this.visits(m.body.peer, m.body.flows)
        break
      case 'signal':
        if (m.body.from && (m.body.offer || m.body.answer)) this.visits(m.body.from, m.body.visitor?.flows)
        this.cfg.links().signal(m.body)
        break
      case 'examine': {
        const l = this.peers.get(m.body.peer)
        this.cfg.uplink.send('examined', { question: m.body.question, peer: m.body.peer, up: l !== undefined, relayed: l?.relayed ?? false })
        break
      }
      case 'lease':
        this.fetcher.granted(m.body)
        break
      case 'revoke':
        this.fetcher.revoked(m.body)
        break
      case 'govern':
        this.grants.appointed(m.body)
        break
      case 'grant':
        this.grants.granted(performance.now(), m.body.from, m.body)
        break
      case 'renew':
        if (m.body.ice?.length) this.cfg.links().servers(m.body.ice)
    }
    this.decide()
  }

  /** A peer takes part in some flows only (undefined: in all), and hears of no other. */
  private visits(peer: string, flows: string[] | undefined): void {
    const shared = new Set([...this.flows.values()].filter((f) => this.shares(peer, f)))
    if (flows) this.visitors.set(peer, new Set(flows))
    else this.visitors.delete(peer)
    const l = this.peers.get(peer)
    for (const f of l ? this.flows.values() : []) {
      if (this.shares(peer, f) && !shared.has(f) && active(f)) this.join(l!, f, true)
      if (this.shares(peer, f) || !shared.has(f)) continue
      l!.cancel(f.id)
      this.exchange.dropPeer(f, l!)
    }
  }

  /** Whether a peer may know of a flow. */
  shares(peer: string, f: Flow): boolean {
    return this.visitors.get(peer)?.has(f.id) ?? true
  }

  private async newTrust(doc: unknown): Promise<void> {
    try {
      const trust = await Trust.open(doc, this.cfg.root)
      if (trust.serial <= this.trust.serial) return this.cfg.warn(CodeReplayed, 'an older trust document came')
      this.trust = trust
    } catch (e) {
      this.cfg.warn(CodeBadHead, (e as Error).message)
      this.cfg.uplink.send('report', { flow: '0'.repeat(32), code: CodeBadHead, detail: clip((e as Error).message) })
    }
  }

  private async desired(w: Heard['flow']): Promise<void> {
    let f = this.flows.get(w.id)
    if (!f) {
      try {
        f = await this.adopt(w)
      } catch (e) {
        const detail = clip((e as Error).message)
        this.cfg.warn(CodeBadHead, detail)
        this.cfg.uplink.send('progress', { flow: w.id, bytes: noBytes(), wan_bytes: 0, code: CodeBadHead, error: detail })
        return
      }
    }
    f.priority = { high: 0, normal: 1, low: 2 }[w.priority] ?? 1
    f.relay = w.relay ?? ''
    this.useRelay(f)
    f.pausedBy = w.paused_by ?? ''
    const paused = w.paused ?? false
    if (paused && !f.paused) {
      Object.assign(f, { paused, reportedAt: -Infinity })
      this.suspend(f, 'paused')
    } else if (!paused && f.paused) {
      f.paused = false
      if (active(f)) this.exchange.joinAll(f)
    }
    f.dirty = true
    this.cfg.changed()
  }

  /** Begins a flow, after checking that a trusted key signed its head. */
  private async adopt(w: Heard['flow']): Promise<Flow> {
    const { head, id } = await this.trust.openHead(w.head, this.cfg.uplink.now())
    if (id !== w.id) throw new Error('head is of another version')
    for (const other of this.flows.values()) {
      if (other.head.name === head.name && other.head.serial > head.serial && !w.superseded && !this.namesVersion(head)) {
        throw new Error(`${head.name}@${head.version} is older than ${other.head.version}, which is known here`)
      }
    }
    const f = newFlow(id, head)
    this.flows.set(id, f)
    f.wanted = this.wanted.has(head.name) || this.namesVersion(head)
    return f
  }

  private namesVersion(head: Head): boolean {
    return this.wanted.has(`${head.name}@${head.version}`)
  }

  private closeGeneration(w: Heard['flows']): void {
    const blocks = (w.purges ?? []).filter((p) => p.block)
    for (const f of [...this.flows.values()]) {
      if (w.ids.includes(f.id)) continue
      this.suspend(f, 'flow ended')
      this.fetcher.forget(f)
      if (f.complete && f.wanted && !blocked(blocks, f.head)) { // the page goes on reading what it has
        f.paused = true
        continue
      }
      this.flows.delete(f.id)
      f.version?.close()
      for (const r of [...f.readers]) r.end(superseded())
    }
    this.told = true
    this.cfg.links().networks(w.peers_on ?? [])
    void this.obey(w.generation, blocks)
    this.cfg.changed()
  }

  /** Tells that a generation is obeyed, once nothing is kept of what is blocked. */
  private async obey(generation: number, blocks: Purge[]): Promise<void> {
    this.obeying = generation
    while (blocks.length > 0 && !(await this.cfg.store.drop(blocks))) { // another tab has it open
      await new Promise((r) => setTimeout(r, 1000))
      if (this.obeying !== generation || this.stopped) return
    }
    if (this.obeying === generation) this.cfg.uplink.send('obeyed', { generation })
  }

  /** The page asks for a content, or one version of it. */
  want(name: string, version?: string): void {
    this.wanted.add(version ? `${name}@${version}` : name)
    for (const f of this.flows.values()) {
      if (f.wanted || f.head.name !== name || (version && f.head.version !== version)) continue
      f.wanted = true
      if (active(f)) this.exchange.joinAll(f)
    }
    this.decide()
  }

  /** The flow that a page's wish is about now: that version, or the newest. */
  find(name: string, version?: string): Flow | undefined {
    let best: Flow | undefined
    for (const f of this.flows.values()) {
      if (f.head.name !== name || (version && f.head.version !== version)) continue
      if (!best || f.head.serial > best.head.serial) best = f
    }
    return best
  }

  /** A chunk for a reader, checked; it waits until the chunk is held. */
  async chunk(f: Flow, chunk: number, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    for (;;) {
      const data = await this.read(f, chunk)
      if (data) return data
      await new Promise<void>((ready, fail) => {
        const end = (why?: Error) => {
          f.readers.delete(reader)
          if (why) fail(why)
          else ready()
        }
        const reader = { chunk, end }
        f.readers.add(reader)
        signal.addEventListener('abort', () => end(new Error('it is not read any more')), { once: true })
        this.decide()
      })
    }
  }

  /** Reads a held chunk and checks its hash; undefined where it is not held, or damaged, and then fetched again. */
  async read(f: Flow, chunk: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const v = f.version
    const had = v?.have.has(chunk)
    const data = v?.read(chunk)
    if (data && (await sha256Hex(data)) === f.body!.digest(chunk)) return data
    if (had) {
      v!.forget(chunk)
      f.swarm!.lost(chunk)
      f.complete = false
      f.dirty = true
      this.decide()
    }
    return undefined
  }

  stop(): void {
    this.stopped = true
    clearTimeout(this.timer)
    this.fetcher.stop()
    for (const l of [...this.peers.values()]) l.end('the page left')
    for (const f of this.flows.values()) f.version?.close()
    this.cfg.store.close()
  }

  // ---- what has come

  /** The one door for bytes from elsewhere: hash, keep, and only then announce. False for bytes that do not match. */
  async admit(f: Flow, chunk: number, data: Uint8Array<ArrayBuffer>, source: Source, wan: number, from?: string): Promise<boolean> {
    if ((await sha256Hex(data)) !== f.body!.digest(chunk)) return false
    if (this.flows.get(f.id) !== f || this.stopped) return true
    try {
      f.version!.put(chunk, data, source, wan)
    } catch (e) {
      this.fail(f, e instanceof NoRoom ? CodeDiskFull : CodeStore, (e as Error).message)
      return true
    }
    for (const peer of f.swarm!.got(performance.now(), chunk, from, source === 'origin')) {
      const l = this.peers.get(peer)
      l?.down.forget({ version: f.id, chunk })
      l?.send({ kind: FrameCancel, version: f.id, chunks: [chunk] })
    }
    f.dirty = true
    for (const r of [...f.readers]) if (r.chunk === chunk) r.end()
    this.decide()
    return true
  }

  /** A whole body came from a peer, or from the origin. False where it is not the one that the head names. */
  async bodyCame(f: Flow, encoded: Uint8Array): Promise<boolean> {
    if (f.body) return true
    try {
      const body = await Body.open(f.head, encoded)
      if (f.body) return true
      f.body = body
      f.encoded = encoded
    } catch (e) {
      this.cfg.warn(CodeBadBody, (e as Error).message)
      return false
    }
    f.from?.down.forget({ version: f.id, chunk: -1 })
    f.from = undefined
    f.dirty = true
    for (const l of this.peers.values()) if (l.joined.has(f.id)) l.send({ kind: FrameHaveBody, version: f.id })
    this.decide()
    return true
  }

  /** Stops a flow for a while, and tells the server and the page why. */
  fail(f: Flow, code: string, trouble: string): void {
    if (f.code) return
    this.suspend(f, code)
    Object.assign(f, { code, trouble, retryAt: performance.now() + retryFailed, dirty: true })
    this.cfg.changed()
    this.decide()
  }

  private suspend(f: Flow, why: string): void {
    this.fetcher.giveBackAll(f, why)
    for (const l of this.peers.values()) {
      if (this.shares(l.peer, f)) l.send({ kind: FrameLeave, version: f.id })
      l.cancel(f.id)
      this.exchange.dropPeer(f, l)
    }
  }

  useRelay(f: Flow): void {
    if (!f.swarm) return
    const said = this.cfg.uplink.connected ? f.relay : ''
    f.swarm.relay = said === 'origin_cheaper' ? 'never' : said === 'relay_cheaper' || said === 'origin_unreachable' ? 'at once' : 'patience'
  }

  private tellUplink(on: boolean): void {
    for (const l of this.peers.values()) l.send({ kind: FrameUplink, flags: on ? UplinkHeld : 0 })
    for (const f of this.flows.values()) this.useRelay(f)
  }

  /** Tells a peer that this endpoint takes part in a flow. */
  join(l: Link, f: Flow, reply: boolean): void {
    if (!this.shares(l.peer, f)) return
    const flags = (f.body ? JoinBodyHeld : 0) | (reply ? JoinReplyWanted : 0)
    l.send({ kind: FrameJoin, version: f.id, flags, number: f.head.chunks })
  }

  /** Tells a peer everything that is held. */
  tellAll(l: Link, f: Flow): void {
    const have = f.swarm!.have.bytes
    for (let from = 0; from < have.length; from += MaxHaveBytes) {
      const payload = have.slice(from, from + MaxHaveBytes)
      if (payload.some((b) => b !== 0)) l.send({ kind: FrameHave, version: f.id, number: 8 * from, payload })
    }
  }

  /** Decides once after the events at hand. */
  decide(): void {
    if (this.deciding || this.stopped) return
    this.deciding = true
    queueMicrotask(() => {
      this.deciding = false
      if (this.stopped) return
      clearTimeout(this.timer)
      const now = performance.now()
      let next = this.fetcher.orphaned(now)
      for (const f of this.flows.values()) next = Math.min(next, this.advance(now, f))
      this.fetcher.run()
      if (next < Infinity) this.timer = setTimeout(() => this.decide(), Math.max(0, next - now))
    })
  }

  private advance(now: number, f: Flow): number {
    let next = Infinity
    if (f.code) {
      if (now < f.retryAt) return Math.min(f.retryAt, report(this, now, f))
      Object.assign(f, { code: '', trouble: '', dirty: true })
      if (active(f)) this.exchange.joinAll(f)
    }
    if (!f.wanted) return report(this, now, f)
    if (!f.body && !f.looked) this.look(f)
    else if (f.body && !f.version) this.open(f)
    else if (f.busy || !active(f)) next = Infinity
    else if (!f.body) next = this.exchange.seekBody(now, f)
    else next = this.exchangeChunks(now, f)
    return Math.min(next, report(this, now, f))
  }

  private exchangeChunks(now: number, f: Flow): number {
    const s = f.swarm!
    s.want([...new Set([...f.readers].map((r) => r.chunk))])
    for (const [peer, chunks] of s.tell(now)) this.list(peer, FrameHaveList, f, chunks)
    for (const ask of s.plan(now)) {
      const l = this.peers.get(ask.peer)
      for (const chunk of ask.cancel) l?.down.forget({ version: f.id, chunk })
      for (const chunk of ask.want) l?.down.expect({ version: f.id, chunk }, s.lengths[chunk]!)
      this.list(ask.peer, FrameCancel, f, ask.cancel)
      this.list(ask.peer, FrameWant, f, ask.want)
    }
    if (s.missing === 0 && !f.complete) this.finish(f)
    return s.next(now)
  }

  private list(peer: string, kind: number, f: Flow, chunks: number[]): void {
    for (let i = 0; i < chunks.length; i += MaxListed) this.send(peer, { kind, version: f.id, chunks: chunks.slice(i, i + MaxListed) })
  }

  send(peer: string, frame: Frame): void {
    this.peers.get(peer)?.send(frame)
  }

  private finish(f: Flow): void {
    f.version!.commit()
    f.complete = true
    f.dirty = true
    f.reportedAt = -Infinity // the server hears of it at once
    this.cleanUp(f)
    this.cfg.changed()
  }

  /** Removes older versions from the store, once the newest that the page asked for is whole. */
  private cleanUp(f: Flow): void {
    if (this.find(f.head.name) === f) void this.cfg.store.superseded(f.head.name, f.head.serial)
  }

  /** Looks for the body in the store, from an earlier visit, and for other versions. */
  private look(f: Flow): void {
    f.looked = f.busy = true
    void Promise.all([this.cfg.store.body(f.id), this.cfg.store.others(f.id, f.head.name)]).then(async ([encoded, others]) => {
      f.busy = false
      f.seeded = others.length === 0
      if (encoded) await this.bodyCame(f, encoded)
      if (active(f)) this.exchange.joinAll(f)
      this.decide()
    })
  }

  /** Opens the version's place in the store. */
  private open(f: Flow): void {
    if (f.busy) return
    f.busy = true
    void this.cfg.store.version(f.id, f.head, f.body!, f.encoded!).then((version) => {
      f.busy = false
      if (this.stopped || this.flows.get(f.id) !== f) return version.close()
      f.version = version
      f.swarm = new Swarm(f.body!.lengths, version.have, Math.random)
      f.complete = f.swarm.missing === 0
      f.dirty = true
      if (f.complete) this.cleanUp(f)
      if (!f.seeded) void this.seed(f)
      this.useRelay(f)
      if (active(f)) this.exchange.joinAll(f) // peers repeat what they hold
      for (const r of [...f.readers]) r.end()
      this.cfg.changed()
      this.decide()
    })
  }

  /** Takes what other versions in the store hold of it, before the origin is asked: the server waits for that. */
  private async seed(f: Flow): Promise<void> {
    const missing = new Map<string, number>()
    for (let i = 0; i < f.body!.chunks; i++) if (!f.version!.have.has(i)) missing.set(f.body!.digest(i), i)
    const wanted = (digest: string) => {
      const chunk = missing.get(digest)
      return chunk === undefined || f.version!.have.has(chunk) ? undefined : chunk
    }
    for await (const { chunk, data } of missing.size > 0 ? this.cfg.store.shared(f.id, f.head.name, wanted) : []) {
      if (this.stopped || this.flows.get(f.id) !== f) return
      if (f.code) break // there is no room
      await this.admit(f, chunk, data, 'reused', 0)
    }
    Object.assign(f, { seeded: true, dirty: true, reportedAt: -Infinity })
    this.decide()
  }
}

/** Why a version can't be read any more. */
export const superseded = (): RefusedError => new RefusedError('superseded', 'another version took its place before it was complete')
