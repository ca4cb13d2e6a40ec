import { SitecastError } from './error'
import type { DownloadInfo, FileInfo, Listed } from './port'

/** How a download asks the worker. */
export interface Caller {
  call<T>(m: { t: 'files'; download: number } | { t: 'read'; flow: string; from: number; to: number }): { call: number; value: Promise<T> }
  cancel(call: number): void
}

/** One file of a version; it stays the file of that version when the download goes on to a newer one. */
export interface FileEntry extends FileInfo {
  /** The file's bytes, or those from a first one up to (not including) a last; each chunk is checked. It may be read before the download is complete. */
  stream(from?: number, to?: number): ReadableStream<Uint8Array<ArrayBuffer>>
  blob(): Promise<Blob>
}

/**
 * One content on its way to this page. Events: `progress` when bytes came, `state` when it
 * is in another state. A download that failed is tried again by itself.
 */
export class Download extends EventTarget {
  private now: DownloadInfo
  private entries: Promise<{ flow: string; files: FileEntry[] }> | undefined
  private waiting: { resolve: () => void; reject: (e: Error) => void }[] = []

  /** @internal */
  constructor(readonly number: number, name: string, version: string | undefined, private readonly caller: Caller) {
    super()
    this.now = {
      state: 'waiting', name, version: version ?? '', total: 0, held: 0, bytes: { origin: 0, peer: 0, relay: 0, reused: 0 }, wan: 0, size: 0, code: '', reason: '',
    }
  }

  get state(): DownloadInfo['state'] {
    return this.now.state
  }

  /** Everything that is known: bytes by source, how many of how many, and why it does not go on. */
  get info(): Readonly<DownloadInfo> {
    return this.now
  }

  /** @internal */
  heard(info: DownloadInfo): void {
    const before = this.now
    this.now = info
    if (info.version !== before.version) this.entries = undefined
    if (info.state === 'complete') for (const w of this.waiting.splice(0)) w.resolve()
    if (info.code === 'not_offered') this.fail(new SitecastError(info.code, info.reason))
    if (info.state !== before.state) this.dispatchEvent(new Event('state'))
    if (info.held !== before.held || info.total !== before.total) this.dispatchEvent(new Event('progress'))
  }

  /** @internal */
  fail(why: Error): void {
    for (const w of this.waiting.splice(0)) w.reject(why)
  }

  /** Resolves when every byte is held. */
  complete(): Promise<void> {
    if (this.state === 'complete') return Promise.resolve()
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }))
  }

  /** The files of the version, in the order in which they lie in it. */
  async files(): Promise<FileEntry[]> {
    return (await this.listed()).files
  }

  private listed(): Promise<{ flow: string; files: FileEntry[] }> {
    this.entries ??= this.list()
    this.entries.catch(() => (this.entries = undefined))
    return this.entries
  }

  private async list(): Promise<{ flow: string; files: FileEntry[] }> {
    const { flow, files } = await this.caller.call<Listed>({ t: 'files', download: this.number }).value
    let at = 0
    const entries = files.map((f) => {
      const begins = at
      at += f.size
      const stream = (from = 0, to = f.size) => this.range(async () => ({ flow, from: begins + from, to: begins + Math.min(to, f.size) }))
      return { ...f, stream, blob: () => new Response(stream()).blob() }
    })
    return { flow, files: entries }
  }

  /** One file by its path. */
  async file(path: string): Promise<File> {
    const entry = (await this.files()).find((f) => f.path === path && !f.dir)
    if (!entry) throw new SitecastError('not_found', `${this.now.name} holds no file ${path}`)
    return new File([await entry.blob()], path.slice(path.lastIndexOf('/') + 1))
  }

  /** The bytes of all files, one after the other: of a published file, that file. */
  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.range(async () => {
      const { flow, files } = await this.listed()
      return { flow, from: 0, to: files.reduce((n, f) => n + f.size, 0) }
    })
  }

  async blob(): Promise<Blob> {
    return new Response(this.stream()).blob()
  }

  private range(bounds: () => Promise<{ flow: string; from: number; to: number }>): ReadableStream<Uint8Array<ArrayBuffer>> {
    let of: { flow: string; from: number; to: number } | undefined
    let call = 0
    return new ReadableStream({
      pull: async (controller) => {
        of ??= await bounds()
        if (of.from < of.to) {
          const asked = this.caller.call<Uint8Array<ArrayBuffer>>({ t: 'read', ...of })
          call = asked.call
          const piece = await asked.value
          of.from += piece.length
          controller.enqueue(piece)
        }
        if (of.from >= of.to) controller.close()
      },
      cancel: () => this.caller.cancel(call),
    }, { highWaterMark: 2 })
  }
}
