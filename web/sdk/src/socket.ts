import { byteLength, decode, encode, RefusedError, UnknownTypeError, type Message } from '../../wire/codec'
import {
  AckDelayMs, CodeOverloaded, CodeProtocol, CodeShuttingDown, CodeTooLarge, CodeUnauthorized, CodeUnknownType, HelloTimeoutMs, MaxAckOwed,
  MaxReasonBytes, type Hello, type Said, type Welcome,
} from '../../wire/messages'
import { Inbox, Outbox } from '../../wire/session'

/** What a socket is told, and tells. */
export interface SocketConfig {
  url: string
  /** Gets a token; it throws RefusedError `unauthorized` where the page has to bring another browser token. */
  token(): Promise<string>
  hello(): Hello
  connected(w: Welcome): void
  disconnected(why: string): void
  heard(m: Message): void
  /** Opens a WebSocket; another than the browser's in tests. */
  open?(url: string, protocols: string[]): WebSocket
}

const firstWait = 100
const maxWait = 30_000
const settled = 5000
const stable = 60_000
const crowd = 5 // the try at which the back-off begins when the server sent everybody away
const resume = 3
const quietAfter = 8000
const deadAfter = 18_000
const tokenMargin = 10_000
const never = Infinity

/**
 * The control socket: it connects and reconnects with a drawn back-off, resumes the session
 * so that no message is lost or heard twice, renews its token and estimates the server's
 * time. A page can't send pings; where nothing came for a while it says again which
 * generation it obeys, and the server's acknowledgement shows that the way is alive.
 */
export class Socket {
  private ws: WebSocket | undefined
  private token = ''
  private session = ''
  private out = new Outbox()
  private inbox = new Inbox()
  private tries = 0
  private since = 0
  private heardAt = 0
  private askedAt = 0
  private ackAt = never
  private renewAt = never
  private expires = 0
  private offset = 0 // of the server's clock from ours
  private timer: ReturnType<typeof setTimeout> | undefined
  private generation: number | undefined
  private open = false
  private stopped = false

  constructor(private readonly cfg: SocketConfig) {}

  /** The server's time, milliseconds. */
  now(): number {
    return Date.now() + this.offset
  }

  get connected(): boolean {
    return this.open
  }

  /** Connects until stop is called. */
  start(): void {
    this.stopped = false
    void this.connect()
  }

  /** Says goodbye; the session ends at once. */
  stop(): void {
    this.stopped = true
    clearTimeout(this.timer)
    this.session = ''
    this.ws?.close(1000)
    this.closed('left')
  }

  /** Tries again at once: the network came back. */
  hurry(): void {
    if (this.stopped || this.open) return
    this.tries = 0
    clearTimeout(this.timer)
    if (!this.ws) void this.connect()
  }

  /** Queues a message, which is repeated when the socket breaks; false while there is no session. */
  send<K extends keyof Said>(kind: K, body: Said[K]): boolean {
    if (!this.session) return false
    if (kind === 'obeyed') this.generation = (body as Said['obeyed']).generation
    const kept = this.out.add(kind, body, byteLength(encode(kind, 0, 0, body)))
    if (!kept) {
      this.breach(CodeOverloaded)
      return false
    }
    if (this.open) this.write(kept.kind, kept.id, kept.body)
    return true
  }

  private write(kind: keyof Said, id: number, body: unknown): void {
    this.ackAt = never
    this.ws?.send(encode(kind, id, this.inbox.ack(), body as never))
  }

  private async connect(): Promise<void> {
    const lapsed = this.expires > 0 && this.expires - this.now() < tokenMargin
    try {
      if (!this.token || lapsed) this.token = await this.cfg.token()
    } catch (e) {
      return this.failed(e instanceof RefusedError ? e.code : (e as Error).message)
    }
    if (this.stopped || this.ws) return
    const make = this.cfg.open ?? ((url, protocols) => new WebSocket(url, protocols))
    const ws = make(this.cfg.url, ['sitecast', `bearer.${this.token}`])
    this.ws = ws
    this.expires = 0
    let helloAt = 0
    const deadline = setTimeout(() => ws.close(), 2 * HelloTimeoutMs)
    ws.onopen = () => {
      helloAt = Date.now()
      ws.send(encode('hello', 0, this.inbox.ack(), { ...this.cfg.hello(), session: this.session }))
    }
    ws.onmessage = (e) => {
      if (ws !== this.ws) return
      clearTimeout(deadline)
      this.heard(String(e.data), helloAt)
    }
    ws.onclose = (e) => {
      clearTimeout(deadline)
      if (ws !== this.ws) return
      if (!helloAt) this.token = '' // the server may have refused it: a page is not told the status
      this.closed(e.reason || 'the socket broke')
    }
  }

  private heard(text: string, helloAt: number): void {
    this.heardAt = Date.now()
    let m: Message | undefined
    try {
      const came = this.decoded(text)
      m = came.m
      if (m?.kind === 'error') return this.refused(m.body.code)
      if (!this.open) return m?.kind === 'welcome' ? this.welcomed(m.body, m.ack, helloAt) : this.breach(CodeProtocol)
      this.out.acked(came.ack)
      const fresh = this.inbox.take(came.id)
      if (!fresh || this.inbox.owed >= MaxAckOwed) this.ackAt = 0
      else if (came.id && this.ackAt === never) this.ackAt = this.heardAt + AckDelayMs
      this.plan()
      if (!fresh || !m || m.kind === 'ack') return
    } catch (e) {
      return this.breach((e as RefusedError).code)
    }
    if (m.kind === 'renew' && m.body.token) {
      this.token = m.body.token
      this.renewBefore(m.body.expires)
    }
    this.cfg.heard(m)
  }

  /** A message; one of a type that is not known is passed over, and the server is told. */
  private decoded(text: string): { id: number; ack: number; m?: Message } {
    try {
      const m = decode(text)
      return { id: m.id, ack: m.ack, m }
    } catch (e) {
      if (!(e instanceof UnknownTypeError)) throw e
      this.send('report', { flow: '0'.repeat(32), code: CodeUnknownType, detail: e.detail.slice(0, MaxReasonBytes / 2) })
      return { id: e.id, ack: e.ack }
    }
  }

  private welcomed(w: Welcome, ack: number, helloAt: number): void {
    const now = Date.now()
    this.offset = Date.parse(w.server_time) + (now - helloAt) / 2 - now
    if (w.resumed) {
      if (w.session !== this.session) return this.breach(CodeProtocol)
      this.out.acked(ack)
    } else {
      this.session = w.session
      this.out = new Outbox()
      this.inbox = new Inbox()
    }
    this.open = true
    this.since = this.heardAt = this.askedAt = now
    this.ackAt = never
    this.renewBefore(w.expires)
    for (const kept of this.out.unacked) this.write(kept.kind, kept.id, kept.body)
    this.cfg.connected(w)
    this.plan()
  }

  /** Plans the renewal of the token when two thirds of its life are over. */
  private renewBefore(expires: string | undefined): void {
    this.expires = expires ? Date.parse(expires) : 0
    this.renewAt = expires ? Date.now() + ((this.expires - this.now()) * 2) / 3 : never
  }

  /** The server broke the rules, or hears nothing: resuming would bring the same again. */
  private breach(code: string): void {
    this.session = ''
    this.ws?.close(1000, code)
    this.closed(code)
  }

  private refused(code: string): void {
    if (code === CodeUnauthorized) this.token = ''
    const known = code === CodeOverloaded || code === CodeShuttingDown || code === CodeUnauthorized
    if (!known || code === CodeUnauthorized) this.session = ''
    this.ws?.close()
    this.closed(code)
  }

  private closed(why: string): void {
    const lasted = this.open ? Date.now() - this.since : 0
    const was = this.open
    this.open = false
    this.ws = undefined
    clearTimeout(this.timer)
    if (lasted >= stable) this.tries = 0
    if (lasted >= settled) this.tries = Math.min(this.tries, resume)
    if (why === CodeShuttingDown || why === CodeOverloaded) this.tries = Math.max(this.tries, crowd)
    if (was) this.cfg.disconnected(why)
    if (!this.stopped) this.failed(why)
  }

  private failed(why: string): void {
    if (this.stopped || why === CodeTooLarge) this.session = ''
    if (this.stopped) return
    const limit = Math.min(maxWait, firstWait * 2 ** Math.min(this.tries++, 10))
    this.timer = setTimeout(() => void this.connect(), Math.random() * limit)
  }

  /** Does what is due, and sets the timer for what comes next. */
  private plan(): void {
    clearTimeout(this.timer)
    if (!this.open) return
    const now = Date.now()
    if (now - this.heardAt >= deadAfter) {
      this.ws?.close()
      return this.closed('nothing came from the server: the path is dead')
    }
    const quiet = Math.max(this.heardAt, this.askedAt) + quietAfter
    if (now >= quiet && this.generation !== undefined) {
      this.askedAt = now
      this.send('obeyed', { generation: this.generation })
    }
    if (now >= this.renewAt) {
      this.renewAt = never
      this.send('renew', {})
    }
    if (now >= this.ackAt) {
      this.ackAt = never
      this.ws?.send(encode('ack', 0, this.inbox.ack(), undefined))
    }
    const next = Math.min(this.ackAt, this.renewAt, Math.max(quiet, now + 1000), this.heardAt + deadAfter)
    this.timer = setTimeout(() => this.plan(), Math.max(0, next - now))
  }
}
