import { channelOf, encodeFrame, FrameError, parseFrame, type Frame } from '../../wire/frames'
import {
  ChannelBulk, ChannelCtl, CodeProtocol, FrameBody, FrameCredit, FrameData, FrameHello, FrameRefuse, MaxDataBytes, RefuseBusy, RefuseNotHeld,
  Version,
} from '../../wire/messages'
import { creditWindow, Receiver } from './receiver'

/** Both ends of a channel that a link needs: an RTCDataChannel in this worker, or one that the page keeps. */
export interface Channel {
  send(b: Uint8Array<ArrayBuffer>): void
  readonly bufferedAmount: number
  bufferedAmountLowThreshold: number
  onmessage: ((e: { data: ArrayBuffer }) => void) | null
  onbufferedamountlow: (() => void) | null
  onopen: (() => void) | null
  onclose: (() => void) | null
  readonly readyState: string
  binaryType?: string
}

/** What a link tells its owner. */
export interface LinkEvents {
  up(link: Link): void
  ctl(link: Link, f: Frame): void
  bulk(link: Link, f: Frame): void
  /** Reads what a peer wants; null where it is not held. */
  read(job: Job): Promise<Uint8Array<ArrayBuffer> | null>
  /** A chunk went to the peer as a whole. */
  sent(link: Link, job: Job): void
  down(link: Link, reason: string): void
}

/** One chunk, or (chunk is -1) a range of the body, that a peer wants. */
export interface Job {
  version: string
  chunk: number
  offset: number
  length: number
}

const maxEarly = 256 // frames before the peer is proved
const maxQueued = 4096 // wants that one peer may have waiting
const ctlBuffered = 8 << 20 // a peer that lets so much of ctl wait is gone
const bulkBuffered = 512 << 10 // what bulk may have buffered, bytes
const bodyTurn = 4 * MaxDataBytes

/** A connection to one peer: frames in and out, credit, and the queue of what the peer wants. */
export class Link {
  readonly down = new Receiver()
  /** Versions the peer takes part in, and whether it holds their body. */
  readonly joined = new Map<string, boolean>()
  /** Until when the peer is not asked for a body that it did not bring, and how long that was. */
  readonly bodyHeld = new Map<string, { until: number; took: number }>()
  relayed = false // through a relay beyond the WAN
  uplink = false // the peer has a socket to the server
  received = 0 // chunk bytes
  served = 0
  private queue: Job[] = []
  private allowed = 0
  private sentBytes = 0
  private wake: (() => void) | undefined
  private greeted = false
  private opened = 0
  private ended = false
  private early: { channel: number; data: ArrayBuffer }[] | undefined = [] // until the peer is proved

  constructor(
    readonly peer: string,
    readonly attempt: number,
    private readonly ctl: Channel,
    private readonly bulk: Channel,
    private readonly events: LinkEvents,
    private readonly close: () => void,
  ) {
    for (const channel of [ctl, bulk]) {
      const id = channel === ctl ? ChannelCtl : ChannelBulk
      channel.binaryType = 'arraybuffer'
      channel.onmessage = (e) => this.heard(id, e.data)
      channel.onclose = () => this.end('connection lost')
      channel.onopen = () => this.open()
      if (channel.readyState === 'open') this.open()
    }
    bulk.bufferedAmountLowThreshold = bulkBuffered / 2
    bulk.onbufferedamountlow = () => this.poke()
  }

  /** Sends a frame on ctl. */
  send(f: Frame): void {
    if (this.ended) return
    if (this.ctl.bufferedAmount > ctlBuffered) return this.end('peer does not take its control frames')
    try {
      this.ctl.send(encodeFrame(f))
    } catch {
      this.end('connection lost')
    }
  }

  /** Queues what the peer wants; false, queueing none, when too much waits. */
  want(jobs: Job[]): boolean {
    if (this.queue.length + jobs.length > maxQueued) return false
    this.queue.push(...jobs)
    this.poke()
    return true
  }

  /** Takes chunks of a version out of the queue; none named means all, and the body too. */
  cancel(version: string, chunks?: number[]): void {
    const named = chunks && new Set(chunks)
    this.queue = this.queue.filter((j) => j.version !== version || (named !== undefined && !named.has(j.chunk)))
  }

  /** Ends the link; it is told once. */
  end(reason: string): void {
    if (this.ended) return
    this.ended = true
    this.poke()
    this.close()
    this.events.down(this, reason)
  }

  /** The other end is who it said it was: what it sent is looked at from now on. */
  prove(relayed: boolean): void {
    const early = this.early ?? []
    this.relayed = relayed
    this.early = undefined
    for (const { channel, data } of early) this.heard(channel, data)
  }

  get isUp(): boolean {
    return this.greeted && !this.ended
  }

  get wasUp(): boolean {
    return this.greeted
  }

  private open(): void {
    if (++this.opened === 2) this.send({ kind: FrameHello, number: Version })
  }

  private heard(channel: number, data: ArrayBuffer): void {
    if (this.ended) return
    if (this.early) {
      if (this.early.push({ channel, data }) > maxEarly) this.end(CodeProtocol)
      return
    }
    try {
      const f = parseFrame(new Uint8Array(data))
      if (channelOf(f.kind) !== channel || (f.kind === FrameHello) === this.greeted) throw new FrameError('protocol')
      if (f.kind === FrameHello) this.greet(f)
      else if (f.kind === FrameCredit) this.credited(f.total!)
      else if (channel === ChannelCtl) this.events.ctl(this, f)
      else this.events.bulk(this, f)
    } catch (e) {
      if (!(e instanceof FrameError)) throw e
      this.end(e.code)
    }
  }

  private greet(f: Frame): void {
    if (f.number! < 1) return this.end(CodeProtocol)
    this.greeted = true
    this.credit(creditWindow)
    this.events.up(this)
    void this.upload()
  }

  /** Lets the peer send up to so many bytes in all. */
  credit(total: number): void {
    this.send({ kind: FrameCredit, total })
  }

  private credited(total: number): void {
    this.allowed = Math.max(this.allowed, total)
    this.poke()
  }

  private poke(): void {
    this.wake?.()
    this.wake = undefined
  }

  private async until(ready: () => boolean): Promise<void> {
    while (!ready() && !this.ended) await new Promise<void>((resolve) => (this.wake = resolve))
  }

  /** Sends what the peer wants, in the order it came, never more than the peer allowed, until the link ends. */
  private async upload(): Promise<void> {
    for (;;) {
      await this.until(() => this.queue.length > 0 && this.allowed >= this.sentBytes + MaxDataBytes)
      const job = this.queue.shift()
      if (this.ended || !job) return
      if (job.chunk < 0 && job.length > bodyTurn) { // others take turns with a long body
        this.queue.push({ ...job, offset: job.offset + bodyTurn, length: job.length - bodyTurn })
        job.length = bodyTurn
      }
      const data = await this.events.read(job)
      if (!data) {
        this.send({ kind: FrameRefuse, version: job.version, flags: RefuseNotHeld, chunks: job.chunk < 0 ? [] : [job.chunk] })
        continue
      }
      await this.sendPieces(job, data)
      if (!this.ended && job.chunk >= 0) {
        this.served += data.length
        this.events.sent(this, job)
      }
    }
  }

  private async sendPieces(job: Job, data: Uint8Array<ArrayBuffer>): Promise<void> {
    for (let at = 0; at < data.length && !this.ended; at += MaxDataBytes) {
      const payload = data.subarray(at, at + MaxDataBytes)
      await this.until(() => this.allowed >= this.sentBytes + payload.length && this.bulk.bufferedAmount < bulkBuffered)
      if (this.ended) return
      this.sentBytes += payload.length
      const frame = job.chunk < 0
        ? { kind: FrameBody, version: job.version, offset: job.offset + at, payload }
        : { kind: FrameData, version: job.version, number: job.chunk, offset: at, payload }
      try {
        this.bulk.send(encodeFrame(frame))
      } catch {
        return this.end('connection lost')
      }
    }
  }
}

/** The refusal of wants for which there is no room. */
export const busy = (version: string, chunks: number[]): Frame => ({ kind: FrameRefuse, version, flags: RefuseBusy, chunks })
