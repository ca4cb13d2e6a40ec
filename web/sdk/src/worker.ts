import { RefusedError } from '../../wire/codec'
import {
  readBrowserSessionResponse, readChallengeResponse, CodeUnauthorized, DeviceBrowser, PathBrowserSession, PathChallenge, PathSignal, Version,
  type BrowserSessionResponse, type Hello,
} from '../../wire/messages'
import { concat, toBase64 } from './encoding'
import { Engine, superseded } from './engine'
import { active, type Flow } from './flow'
import { loadIdentity, sessionClaim, type Identity } from './identity'
import type { DownloadInfo, FromWorker, Snapshot, Start, ToWorker } from './port'
import { Sessions } from './sessions'
import { Socket } from './socket'
import { noBytes, Store } from './store'
import { checkRoot, Trust, TrustError } from './trust'

/** The dedicated worker: it owns everything but the connections, which only a page can make. */
class Endpoint {
  private readonly downloads = new Map<number, { name: string; version: string | undefined; asked: number; last?: Flow }>()
  private readonly calls = new Map<number, AbortController>()
  private snapshotDue = false
  private chain = Promise.resolve() // messages are obeyed in the order in which they came
  private site = ''
  private browserToken: string | null = null
  private bringToken: ((token: string) => void) | undefined
  private refuseToken: ((why: Error) => void) | undefined
  readonly engine: Engine
  readonly sessions: Sessions
  readonly socket: Socket

  private constructor(private readonly start: Start, private readonly identity: Identity, private readonly store: Store, root: Uint8Array<ArrayBuffer>, trust: Trust, first: string) {
    const server = new URL(start.server)
    let token: string | undefined = first
    this.socket = new Socket({
      url: new URL(PathSignal, server).href.replace(/^http/, 'ws'),
      token: async () => {
        const given = token ?? (await this.session()).token
        token = undefined
        return given
      },
      hello: () => this.hello(),
      connected: (w) => {
        this.site = w.site
        this.engine.connected(w)
        this.changed()
      },
      disconnected: () => {
        this.engine.disconnected()
        this.changed()
      },
      heard: (m) => {
        this.chain = this.chain.then(() => this.engine.heard(m)).catch((e: unknown) => this.warn('internal', String(e)))
      },
    })
    this.engine = new Engine({
      server, store, root, trust, uplink: this.socket, changed: () => this.changed(), warn: (code, detail) => this.warn(code, detail),
      links: () => this.sessions,
    })
    this.sessions = new Sessions({
      identity, site: () => this.site, loopback: isLoopback(server.hostname), page: post, events: this.engine.exchange,
      send: (s) => void this.socket.send('signal', s),
      failed: (peer, attempt, reason) => void this.socket.send('linked', { peer, attempt, up: false, reason }),
      warn: (code, detail) => this.warn(code, detail),
    })
    setInterval(() => this.engine.peers.size + this.downloads.size > 0 && this.changed(), 500)
  }

  /** Trades the browser token for a session, and checks whom to trust. */
  static async join(start: Start, token: string): Promise<Endpoint> {
    const identity = await loadIdentity(start.fresh || start.memory)
    const store = await Store.open(start.memory, (place) => post({ t: 'place', place }))
    if (store.place.kind !== 'disk') post({ t: 'place', place: store.place })
    const answer = await askSession(start.server, token, identity)
    const root = concat(answer.root)
    if (start.trust) await checkRoot(root, start.trust)
    else if (new URL(start.server).origin !== start.origin) {
      throw new TrustError('untrusted', 'say whom the page trusts: join({ trust: "sha256-..." })')
    }
    const trust = await Trust.open(answer.trust, root)
    const e = new Endpoint(start, identity, store, root, trust, answer.token)
    e.site = answer.site
    e.browserToken = token
    e.socket.start()
    return e
  }

  /** A session with the browser token at hand, or with the next one when that has ended. */
  private async session(): Promise<{ token: string }> {
    if (this.browserToken) {
      try {
        return await askSession(this.start.server, this.browserToken, this.identity)
      } catch (e) {
        if (!(e instanceof RefusedError) || e.code !== CodeUnauthorized) throw e
        this.browserToken = null
      }
    }
    post({ t: 'token?' })
    const token = await new Promise<string>((resolve, reject) => {
      this.bringToken = resolve
      this.refuseToken = reject
    })
    const answer = await askSession(this.start.server, token, this.identity)
    this.browserToken = token
    return answer
  }

  private hello(): Hello {
    return { version: Version, software: 'sitecast-sdk', name: this.start.name.slice(0, 60), device: DeviceBrowser }
  }

  heard(m: ToWorker): void {
    switch (m.t) {
      case 'token':
        if (m.token) this.bringToken?.(m.token)
        else this.refuseToken?.(new RefusedError(CodeUnauthorized, m.why ?? 'the page has no other token'))
        return
      case 'get':
        this.downloads.set(m.download, { name: m.name, version: m.version, asked: performance.now() })
        this.engine.want(m.name, m.version)
        return this.changed()
      case 'files':
      case 'read':
        return void this.answer(m)
      case 'cancel':
        return this.calls.get(m.call)?.abort()
      case 'suspend': // the page is about to be frozen, or to go
        this.sessions.stop()
        this.socket.stop()
        for (const f of this.engine.flows.values()) f.version?.commit()
        return
      case 'resume':
        return this.socket.start()
      case 'online':
        return this.socket.hurry()
      case 'leave':
        this.engine.stop()
        this.sessions.stop()
        this.socket.stop()
        return post({ t: 'left' })
      case 'start':
        return
      default:
        this.sessions.heard(m)
    }
  }

  private flowOf(download: number): Flow | undefined {
    const d = this.downloads.get(download)
    if (!d) return undefined
    const now = this.engine.find(d.name, d.version)
    // While a newer version is on its way what is complete stays readable.
    return (d.last = now ?? d.last)
  }

  private async answer(m: ToWorker & { t: 'files' | 'read' }): Promise<void> {
    const abort = new AbortController()
    this.calls.set(m.call, abort)
    try {
      if (m.t === 'files') {
        const { id, body } = await this.opened(m.download, abort.signal)
        const files = body!.files.map(({ path, size, executable, dir }) => ({ path, size, executable, dir }))
        return post({ t: 'result', call: m.call, value: { flow: id, files } })
      }
      const f = this.engine.flows.get(m.flow)
      if (!f) throw superseded()
      const next = f.body!.spell(m.from, m.to).next()
      if (next.done) return post({ t: 'result', call: m.call, value: new Uint8Array() })
      const { chunk, start, end } = next.value
      const value = (await this.engine.chunk(f, chunk, abort.signal)).slice(start, end)
      post({ t: 'result', call: m.call, value }, [value.buffer])
    } catch (e) {
      const code = e instanceof RefusedError ? e.code : 'failed'
      post({ t: 'error', call: m.call, code, detail: (e as Error).message })
    } finally {
      this.calls.delete(m.call)
    }
  }

  /** Waits until a download's version is open. */
  private async opened(download: number, signal: AbortSignal): Promise<Flow> {
    for (;;) {
      const f = this.flowOf(download)
      if (f?.version && f.body) return f
      const info = this.info(download)
      if (info.state === 'failed') throw new RefusedError(info.code, info.reason)
      signal.throwIfAborted()
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  private warn(code: string, detail: string): void {
    post({ t: 'warning', code, detail })
  }

  /** Has the page told what is new, a few times a second at most. */
  private changed(): void {
    if (this.snapshotDue) return
    this.snapshotDue = true
    setTimeout(() => {
      this.snapshotDue = false
      post({ t: 'snapshot', snapshot: this.snapshot() })
    }, 100)
  }

  private snapshot(): Snapshot {
    const peers = [...this.engine.peers.values()].map((l) => ({ id: l.peer, relayed: l.relayed, received: l.received, served: l.served }))
    return {
      connected: this.socket.connected, site: this.site, endpoint: this.identity.id, place: this.store.place, peers, failed: this.engine.exchange.failed,
      downloads: [...this.downloads.keys()].map((d) => this.info(d)),
    }
  }

  private info(download: number): DownloadInfo {
    const d = this.downloads.get(download)!
    const f = this.flowOf(download)
    if (!f) {
      const missing = this.engine.told && performance.now() - d.asked > notOffered
      return {
        state: missing ? 'failed' : 'waiting', name: d.name, version: d.version ?? '', total: 0, held: 0, bytes: noBytes(),
        wan: 0, size: 0, code: missing ? 'not_offered' : '', reason: missing ? 'the token does not name it' : '',
      }
    }
    const bytes = { ...(f.version?.bytes ?? noBytes()) }
    const held = bytes.origin + bytes.peer + bytes.relay + bytes.reused
    return {
      state: stateOf(f), name: f.head.name, version: f.head.version, total: f.head.uniqueBytes, held: Math.min(held, f.head.uniqueBytes), bytes,
      wan: f.version?.wan ?? 0, size: f.head.bytes, code: f.code, reason: f.trouble || f.pausedBy,
    }
  }
}

/** How long the site may take to offer what the token names, milliseconds. */
const notOffered = 15_000

function stateOf(f: Flow): DownloadInfo['state'] {
  if (f.complete) return 'complete'
  if (f.code) return 'failed'
  if (f.paused) return 'paused'
  return f.swarm && active(f) ? 'downloading' : 'preparing'
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host.startsWith('127.') || host === '[::1]'
}

/** Proves the own key to the server, which answers with a token for the socket. */
async function askSession(server: string, token: string, identity: Identity): Promise<BrowserSessionResponse> {
  const challenge = readChallengeResponse(await askServer(new URL(PathChallenge, server)), 'answer')
  const proof = await identity.sign(sessionClaim(challenge.nonce))
  const body = { token, key: toBase64(identity.publicKey), nonce: challenge.nonce, proof: toBase64(proof) }
  return readBrowserSessionResponse(await askServer(new URL(PathBrowserSession, server), body), 'answer')
}

async function askServer(url: URL, body?: unknown): Promise<Record<string, unknown>> {
  const json = { 'Content-Type': 'application/json' }
  const init: RequestInit = { credentials: 'omit', cache: 'no-store', method: 'POST', ...(body ? { headers: json, body: JSON.stringify(body) } : {}) }
  const response = await fetch(url, init)
  const answer = (await response.json().catch(() => ({}))) as Record<string, unknown>
  if (!response.ok) throw new RefusedError(String(answer.code ?? 'failed'), String(answer.detail ?? `the server answered ${response.status}`))
  return answer
}

function post(m: FromWorker, transfer: Transferable[] = []): void {
  ;(self as unknown as Worker).postMessage(m, transfer)
}

let endpoint: Endpoint | undefined
let starting: { start: Start; early: ToWorker[] } | undefined

self.onmessage = (e: MessageEvent<ToWorker>) => {
  const m = e.data
  if (endpoint) return endpoint.heard(m)
  if (m.t === 'start') {
    starting = { start: m, early: [] }
    return
  }
  if (!starting) return
  if (m.t !== 'token' || m.token === null) return void starting.early.push(m)
  const { start, early } = starting
  Endpoint.join(start, m.token).then(
    (joined) => {
      endpoint = joined
      post({ t: 'joined' })
      for (const next of early) joined.heard(next)
    },
    (err: unknown) => {
      const code = err instanceof RefusedError || err instanceof TrustError ? err.code : 'failed'
      post({ t: 'refused', code, detail: err instanceof RefusedError ? err.detail : (err as Error).message })
    },
  )
}
