import { Connections } from './connections'
import { Download } from './download'
import { SitecastError } from './error'
import type { FromWorker, PeerInfo, Snapshot, ToWorker } from './port'
import { serveFrom } from './serve'
import { takeTurn } from './turn'
import type { Place } from './store'

export { Download, type FileEntry } from './download'
export { SitecastError } from './error'
export type { DownloadInfo, FileInfo, PeerInfo } from './port'
export type { Place, Source } from './store'

/** Whom to join, and as whom. */
export interface JoinOptions {
  /** The Sitecast server, as "https://sitecast.example". */
  server: string | URL
  /**
   * A browser token, as `sitecast link` or the server's API makes it; or what gets one, which
   * is asked again when a token has ended.
   */
  token: string | (() => string | Promise<string>)
  /** The digest of the organisation's root key, "sha256-...": needed on pages of other web sites than the server's. */
  trust?: string
  /** Keep content in memory only, not on disk. */
  storage?: 'disk' | 'memory'
  /** Where the SDK's worker.js lies, if not beside the module; it must be of the page's own origin. */
  worker?: string | URL
  /** What operators see this endpoint as. */
  name?: string
}

/** Joins the site that the token is for; the page is an endpoint of it until it leaves. */
export async function join(options: JoinOptions): Promise<Session> {
  for (const needed of ['RTCPeerConnection', 'Worker', 'WebSocket'] as const) {
    if (!(needed in globalThis)) throw new SitecastError('unsupported', `this browser has no ${needed}`)
  }
  if (!globalThis.isSecureContext) throw new SitecastError('insecure', 'a page can join over https only (or on localhost)')
  const token = await tokenOf(options)
  const alone = options.storage === 'memory' ? undefined : await takeTurn()
  const worker = new Worker(options.worker ?? new URL('./worker.js', import.meta.url), { type: 'module', name: 'sitecast' })
  const session = new Session(options, worker, alone)
  try {
    await session.begin(token, alone === null)
    return session
  } catch (e) {
    session.end()
    throw e
  }
}

async function tokenOf(options: JoinOptions): Promise<string> {
  return typeof options.token === 'function' ? options.token() : options.token
}

/**
 * A page's membership of a site. Events: `change` when anything that can be read here is
 * another; `storage` when content goes to memory instead of the disk; `warning` with a
 * stable code, of peers that misbehave and of a browser that keeps the page from its LAN.
 */
export class Session extends EventTarget {
  private snapshot: Snapshot = { connected: false, site: '', endpoint: '', place: { kind: 'disk' }, peers: [], failed: 0, downloads: [] }
  private readonly downloads: Download[] = []
  private readonly calls = new Map<number, { resolve: (v: never) => void; reject: (e: Error) => void }>()
  private readonly connections: Connections
  private readonly listeners = new AbortController()
  private lastCall = 0
  private joined: { resolve: () => void; reject: (e: Error) => void } | undefined
  private left: (() => void) | undefined
  private network: PermissionStatus | undefined
  private missed = false
  private over = false

  /** @internal */
  constructor(private readonly options: JoinOptions, private readonly worker: Worker, private readonly turn: (() => void) | null | undefined) {
    super()
    this.connections = new Connections((m, transfer) => worker.postMessage(m, transfer ?? []))
    worker.onmessage = (e: MessageEvent<FromWorker>) => this.heard(e.data)
    worker.onerror = (e) => this.joined?.reject(new SitecastError('failed', `the worker does not run: ${e.message || 'is worker.js where it should be?'}`))
    const on = { signal: this.listeners.signal }
    addEventListener('pagehide', () => this.suspend(), on)
    addEventListener('pageshow', (e) => e.persisted && this.post({ t: 'resume' }), on)
    addEventListener('online', () => this.post({ t: 'online' }), on)
    document.addEventListener('freeze', () => this.suspend(), on)
    document.addEventListener('resume', () => this.post({ t: 'resume' }), on)
  }

  /** @internal */
  async begin(token: string, second: boolean): Promise<void> {
    const memory = this.options.storage === 'memory' || second
    const server = new URL(this.options.server, location.href).href
    this.post({ t: 'start', server, origin: location.origin, trust: this.options.trust, memory, fresh: second, name: this.options.name ?? 'browser' })
    this.post({ t: 'token', token })
    await new Promise<void>((resolve, reject) => (this.joined = { resolve, reject }))
    if (second) this.placed({ kind: 'memory', reason: 'busy' })
    void this.watchNetwork()
  }

  /** Whether there is a socket to the server; exchange on the LAN goes on without one. */
  get connected(): boolean {
    return this.snapshot.connected
  }

  get site(): string {
    return this.snapshot.site
  }

  /** The id that this browser has at the site. */
  get endpoint(): string {
    return this.snapshot.endpoint
  }

  get peers(): readonly PeerInfo[] {
    return this.snapshot.peers
  }

  /** Where content is kept. */
  get storage(): Place {
    return this.snapshot.place
  }

  /** Takes part in a content that the token names: the version given, or the newest. */
  get(name: string, version?: string): Download {
    const download = new Download(this.downloads.length, name, version, {
      call: (m) => this.call(m), cancel: (call) => this.post({ t: 'cancel', call }),
    })
    this.downloads.push(download)
    this.post({ t: 'get', download: download.number, name, version })
    return download
  }

  /**
   * Answers the service worker for paths below a prefix from a download: of "/app/" and a
   * tree with "index.html", that is "/app/" and "/app/index.html". Returns what ends it.
   */
  serve(prefix: string, download: Download): () => void {
    const over = new AbortController()
    serveFrom(prefix, download, AbortSignal.any([over.signal, this.listeners.signal]))
    return () => over.abort()
  }

  /** Ends the membership. What is on disk stays for the next visit. */
  async leave(): Promise<void> {
    if (this.over) return
    await new Promise<void>((resolve) => {
      this.left = resolve
      this.post({ t: 'leave' })
      setTimeout(resolve, 1000)
    })
    this.end()
  }

  /** @internal */
  end(): void {
    this.over = true
    this.listeners.abort()
    this.connections.closeAll()
    this.worker.terminate()
    this.turn?.()
    const left = new SitecastError('left', 'the page left the site')
    for (const { reject } of this.calls.values()) reject(left)
    for (const d of this.downloads) d.fail(left)
  }

  /** A page that may be frozen can't serve: it says goodbye, and comes back with `pageshow`. */
  private suspend(): void {
    this.post({ t: 'suspend' })
    this.connections.closeAll()
  }

  private post(m: ToWorker): void {
    this.worker.postMessage(m)
  }

  private call<T>(m: { t: 'files'; download: number } | { t: 'read'; flow: string; from: number; to: number }): { call: number; value: Promise<T> } {
    const call = ++this.lastCall
    const value = new Promise<T>((resolve, reject) => this.calls.set(call, { resolve: resolve as (v: never) => void, reject }))
    this.post({ ...m, call })
    return { call, value }
  }

  private heard(m: FromWorker): void {
    switch (m.t) {
      case 'joined':
        return this.joined?.resolve()
      case 'refused':
        return this.joined?.reject(new SitecastError(m.code, m.detail))
      case 'token?':
        return void this.bringToken()
      case 'snapshot':
        this.snapshot = { ...m.snapshot, place: this.snapshot.place }
        for (const [i, info] of m.snapshot.downloads.entries()) this.downloads[i]?.heard(info)
        this.missPeers()
        return void this.dispatchEvent(new Event('change'))
      case 'place':
        return this.placed(m.place)
      case 'warning':
        return this.warn(m.code, m.detail)
      case 'result':
        this.calls.get(m.call)?.resolve(m.value as never)
        return void this.calls.delete(m.call)
      case 'error':
        this.calls.get(m.call)?.reject(new SitecastError(m.code, m.detail))
        return void this.calls.delete(m.call)
      case 'left':
        return this.left?.()
      default:
        this.connections.do(m)
    }
  }

  private async bringToken(): Promise<void> {
    try {
      if (typeof this.options.token === 'string') throw new Error('the token has ended; open a new link')
      this.post({ t: 'token', token: await this.options.token() })
    } catch (e) {
      this.post({ t: 'token', token: null, why: (e as Error).message })
      this.warn('unauthorized', (e as Error).message)
    }
  }

  private placed(place: Place): void {
    this.snapshot.place = place
    this.dispatchEvent(new CustomEvent('storage', { detail: place }))
  }

  private warn(code: string, detail: string): void {
    this.dispatchEvent(new CustomEvent('warning', { detail: { code, detail } }))
  }

  /** Learns whether the browser asks before a page reaches devices of its network. */
  private async watchNetwork(): Promise<void> {
    try {
      this.network = await navigator.permissions.query({ name: 'local-network-access' as PermissionName })
    } catch {
      // This browser asks for no such permission.
    }
  }

  /** Tells when that is why links don't come up: content then comes from the origin. */
  private missPeers(): void {
    if (this.missed || !this.network || this.network.state === 'granted' || this.snapshot.failed === 0 || this.peers.length > 0) return
    this.missed = true
    this.warn('local_network_denied', 'this browser lets the page reach no device of the local network; content comes from the server alone. Allow "local network" for this page, or by the policy LocalNetworkAccessAllowedForUrls')
  }
}
