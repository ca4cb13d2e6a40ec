import type { Frame } from '../../wire/frames'
import {
  CodeBadBody, CodeBadChunk, CodeProtocol, CodeUnknownType, FrameBody, FrameCancel, FrameGrant, FrameHave, FrameHaveBody, FrameHaveList, FrameJoin,
  FrameLeave, FrameRefuse, FrameUplink, FrameWant, FrameWantBody, JoinBodyHeld, JoinReplyWanted, RefuseBusy, RefuseNotHeld, RefusePaused, UplinkHeld,
} from '../../wire/messages'
import { chunksIn } from './bitmap'
import { clip } from './encoding'
import type { Engine } from './engine'
import { active, type Flow } from './flow'
import { busy, type Job, type Link, type LinkEvents } from './link'

const bodyPatience = 3000
const bodyHoldFirst = 2000
const bodyHoldMost = 120_000
const relayPatience = 10_000

/** What peers say and send: the engine's side of links. */
export class Exchange implements LinkEvents {
  /** Attempts at links that came to nothing. */
  failed = 0

  constructor(private readonly e: Engine) {}

  up(l: Link): void {
    const { e } = this
    const old = e.peers.get(l.peer)
    e.peers.set(l.peer, l)
    if (old) {
      for (const f of e.flows.values()) this.dropPeer(f, old)
      old.end('another link took its place')
    }
    l.send({ kind: FrameUplink, flags: e.cfg.uplink.connected ? UplinkHeld : 0 })
    e.cfg.uplink.send('linked', { peer: l.peer, attempt: l.attempt, up: true, relayed: l.relayed })
    for (const f of e.flows.values()) if (active(f)) e.join(l, f, true)
    e.cfg.changed()
    e.decide()
  }

  down(l: Link, reason: string): void {
    const { e } = this
    const was = e.peers.get(l.peer)
    if (!l.wasUp) this.failed++
    if (was && was !== l) return // replaced; the newer link was told
    if (was) {
      e.peers.delete(l.peer)
      for (const f of e.flows.values()) this.dropPeer(f, l)
      if (reason === CodeProtocol || reason === CodeUnknownType) {
        e.cfg.uplink.send('report', { peer: l.peer, flow: '0'.repeat(32), code: reason, detail: 'a frame that breaks the rules' })
      }
    }
    e.cfg.uplink.send('linked', { peer: l.peer, attempt: l.attempt, up: false, reason: clip(reason) })
    e.cfg.changed()
    e.decide()
  }

  /** Ends the exchange of a flow with a peer. */
  dropPeer(f: Flow, l: Link): void {
    l.joined.delete(f.id)
    l.bodyHeld.delete(f.id)
    l.down.forgetVersion(f.id)
    if (f.from === l) f.from = undefined
    f.swarm?.remove(l.peer)
  }

  /** Begins the exchange of a flow with every peer. */
  joinAll(f: Flow): void {
    for (const l of this.e.peers.values()) this.e.join(l, f, true)
  }

  ctl(l: Link, frame: Frame): void {
    const { e } = this
    if (e.peers.get(l.peer) !== l) return
    if (frame.kind === FrameUplink) {
      l.uplink = (frame.flags! & UplinkHeld) !== 0
      e.fetcher.peerUplink(l.uplink)
    } else if (frame.kind === FrameGrant) {
      e.grants.granted(performance.now(), l.peer, frame.grant!)
    } else if (frame.version !== undefined) {
      this.about(l, frame)
    }
    e.decide()
  }

  private about(l: Link, frame: Frame): void {
    const f = this.e.flows.get(frame.version!)
    if (!f || !active(f) || !this.e.shares(l.peer, f)) {
      if (frame.kind === FrameWant || frame.kind === FrameWantBody) {
        l.send({ kind: FrameRefuse, version: frame.version, flags: RefusePaused, chunks: frame.chunks ?? [] })
      }
      return // a peer may be ahead of us: it joins again when we do
    }
    if (!exist(f, frame)) return this.drop(l, CodeProtocol, 'a frame names chunks that do not exist', f)
    const named = frame.chunks ?? []
    switch (frame.kind) {
      case FrameJoin:
        return this.joined(l, f, frame)
      case FrameLeave:
        l.cancel(f.id)
        return this.dropPeer(f, l)
      case FrameHaveBody:
        if (l.joined.has(f.id)) l.joined.set(f.id, true)
        return
      case FrameWantBody:
        return this.wantsBody(l, f, frame)
      case FrameWant:
        if (!l.want(named.map((chunk) => ({ version: f.id, chunk, offset: 0, length: 0 })))) l.send(busy(f.id, named))
        return
      case FrameCancel:
        if (named.length > 0) l.cancel(f.id, named)
        return
      case FrameHave:
        return f.swarm?.holds(l.peer, chunksIn(frame.number!, frame.payload!))
      case FrameHaveList:
        return f.swarm?.holds(l.peer, named)
      case FrameRefuse:
        if (named.length === 0) return this.bodyRefused(f, l)
        for (const chunk of named) l.down.forget({ version: f.id, chunk })
        return f.swarm?.refused(performance.now(), l.peer, frame.flags === RefuseBusy, named)
    }
  }

  private joined(l: Link, f: Flow, frame: Frame): void {
    if (frame.number !== f.head.chunks) return this.drop(l, CodeProtocol, `join with ${frame.number} chunks, want ${f.head.chunks}`, f)
    const reply = (frame.flags! & JoinReplyWanted) !== 0
    const held = (frame.flags! & JoinBodyHeld) !== 0
    // Before the own swarm stands nothing but the body can be asked of a peer, and one
    // that joins again because its store is open goes on sending it.
    if (l.joined.has(f.id) && reply && (f.swarm || !held)) this.dropPeer(f, l)
    l.joined.set(f.id, held)
    if (reply) this.e.join(l, f, false)
    if (f.swarm?.add(l.peer, l.relayed)) this.e.tellAll(l, f)
  }

  private wantsBody(l: Link, f: Flow, frame: Frame): void {
    const held = frame.offset! + frame.length! <= (f.encoded?.length ?? 0)
    if (held && l.want([{ version: f.id, chunk: -1, offset: frame.offset!, length: frame.length! }])) return
    l.send({ kind: FrameRefuse, version: f.id, flags: held ? RefuseBusy : RefuseNotHeld, chunks: [] })
  }

  bulk(l: Link, frame: Frame): void {
    const { ok, target, whole } = l.down.piece(frame)
    const f = this.e.flows.get(target.version)
    if (!ok) return this.drop(l, CodeProtocol, 'bulk frame breaks the rules', f)
    if (frame.kind === FrameBody && f && l === f.from) f.at = performance.now()
    if (whole && f) void this.keep(l, f, target.chunk, whole)
    this.renew(l)
  }

  /** Takes in a whole chunk or body; what waits for that is not granted again. */
  private async keep(l: Link, f: Flow, chunk: number, whole: Uint8Array<ArrayBuffer>): Promise<void> {
    if (chunk < 0) {
      if (!(await this.e.bodyCame(f, whole))) this.drop(l, CodeBadBody, 'a body that is not what the head names', f)
      return
    }
    l.down.waits(whole.length)
    const good = !f.swarm || (await this.e.admit(f, chunk, whole, l.relayed ? 'relay' : 'peer', 0, l.peer))
    l.down.waits(-whole.length)
    l.received += whole.length
    if (!good) {
      f.swarm?.refused(performance.now(), l.peer, false, [chunk])
      this.drop(l, CodeBadChunk, `chunk ${chunk} does not match its digest`, f)
    }
    this.renew(l)
  }

  private renew(l: Link): void {
    const total = l.down.renew()
    if (total > 0) l.credit(total)
  }

  async read(job: Job): Promise<Uint8Array<ArrayBuffer> | null> {
    const f = this.e.flows.get(job.version)
    if (!f || !active(f)) return null
    if (job.chunk < 0) return (f.encoded?.slice(job.offset, job.offset + job.length) as Uint8Array<ArrayBuffer> | undefined) ?? null
    return (await this.e.read(f, job.chunk)) ?? null
  }

  /** A peer that was sent a chunk holds it: it tells only of those that we lack. */
  sent(l: Link, job: Job): void {
    this.e.flows.get(job.version)?.swarm?.holds(l.peer, [job.chunk])
    this.e.cfg.changed()
    this.e.decide()
  }

  /** Closes a link whose peer can't be trusted to behave. */
  private drop(l: Link, code: string, detail: string, f?: Flow): void {
    this.e.cfg.warn(code, `${l.peer.slice(0, 8)}: ${detail}`)
    this.e.cfg.uplink.send('report', { peer: l.peer, flow: f?.id ?? '0'.repeat(32), code, detail: clip(detail) })
    l.end(`dropped: ${code}`)
  }

  /** Asks a peer for the body; returns when to look again. */
  seekBody(now: number, f: Flow): number {
    const body = { version: f.id, chunk: -1 }
    if (f.from) {
      const left = f.from.down.left(body)
      if (left < f.left) Object.assign(f, { left, at: now })
      if (now < f.at + bodyPatience) return f.at + bodyPatience
      this.bodyRefused(f, f.from) // too slow: another peer may do better
    }
    let next = Infinity
    const ready: Link[] = []
    let nearby = false
    let offered = false
    for (const l of this.e.peers.values()) {
      if (!l.joined.get(f.id) || (l.relayed && f.relay === 'origin_cheaper')) continue
      offered = true
      const held = l.bodyHeld.get(f.id)
      if (!l.relayed && !held) nearby = true
      if (held && now < held.until) next = Math.min(next, held.until)
      else ready.push(l)
    }
    if (!offered) f.since = 0
    else if (f.since === 0 || this.e.fetcher.fetchesBody(f)) f.since = now
    const relayFrom = f.relay === 'relay_cheaper' || f.relay === 'origin_unreachable' ? now : f.since + relayPatience
    const direct = ready.filter((l) => !l.relayed)
    const pool = direct.length > 0 ? direct : nearby || now < relayFrom ? [] : ready
    if (ready.length > 0 && pool.length === 0 && !nearby) next = Math.min(next, relayFrom)
    const l = pool[Math.floor(Math.random() * pool.length)]
    if (!l) return next
    l.down.expect(body, f.head.bodyBytes)
    l.send({ kind: FrameWantBody, version: f.id, offset: 0, length: f.head.bodyBytes })
    Object.assign(f, { from: l, left: l.down.left(body), at: now })
    return now + bodyPatience
  }

  /** Stops waiting for the body from a peer, and leaves it alone for a while. */
  private bodyRefused(f: Flow, l: Link): void {
    if (f.from !== l) return
    l.down.forget({ version: f.id, chunk: -1 })
    const took = Math.min(Math.max(2 * (l.bodyHeld.get(f.id)?.took ?? 0), bodyHoldFirst), bodyHoldMost)
    l.bodyHeld.set(f.id, { until: performance.now() + took, took })
    f.from = undefined
  }
}

/** Whether a flow has all the chunks that a frame names. */
function exist(f: Flow, frame: Frame): boolean {
  if ((frame.chunks ?? []).some((c) => c >= f.head.chunks)) return false
  return frame.kind !== FrameHave || frame.number! / 8 + frame.payload!.length <= (f.head.chunks + 7) >> 3
}
