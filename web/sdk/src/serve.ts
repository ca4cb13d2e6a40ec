import type { Download } from './download'

/** A service worker's question to a page, and the answer; null: not from here. */
export interface Ask {
  sitecast: 'ask'
  path: string
  range: string | null
}
export interface Answer {
  status: number
  headers: Record<string, string>
  body: ReadableStream<Uint8Array<ArrayBuffer>>
}

const types: Record<string, string> = {
  css: 'text/css', gif: 'image/gif', htm: 'text/html', html: 'text/html', ico: 'image/x-icon', jpg: 'image/jpeg', jpeg: 'image/jpeg', js: 'text/javascript',
  json: 'application/json', mjs: 'text/javascript', mp3: 'audio/mpeg', mp4: 'video/mp4', pdf: 'application/pdf', png: 'image/png', svg: 'image/svg+xml',
  txt: 'text/plain', wasm: 'application/wasm', webm: 'video/webm', webp: 'image/webp', woff2: 'font/woff2', xml: 'application/xml',
}

/** Answers what lies below a prefix from a download, until the signal ends it. */
export function serveFrom(prefix: string, download: Download, signal: AbortSignal): void {
  navigator.serviceWorker.addEventListener('message', (e: MessageEvent<Ask>) => {
    const port = e.ports[0]
    if (e.data?.sitecast !== 'ask' || !port || !e.data.path.startsWith(prefix)) return
    reply(e.data, prefix, download).then(
      (answer) => port.postMessage(answer, answer ? ([answer.body] as unknown as Transferable[]) : []),
      () => port.postMessage(null),
    )
  }, { signal })
  navigator.serviceWorker.startMessages()
}

async function reply(ask: Ask, prefix: string, download: Download): Promise<Answer | null> {
  const path = decodeURIComponent(ask.path.slice(prefix.length))
  const name = path === '' || path.endsWith('/') ? `${path}index.html` : path
  const file = (await download.files()).find((f) => f.path === name && !f.dir)
  if (!file) return null
  const headers: Record<string, string> = {
    'Content-Type': types[name.slice(name.lastIndexOf('.') + 1).toLowerCase()] ?? 'application/octet-stream', 'Accept-Ranges': 'bytes',
    'X-Content-Type-Options': 'nosniff',
  }
  const range = /^bytes=(\d+)-(\d*)$/.exec(ask.range ?? '')
  const from = range ? Number(range[1]) : 0
  const to = range?.[2] ? Math.min(Number(range[2]) + 1, file.size) : file.size
  if (range && (from >= to || from >= file.size)) return null
  headers['Content-Length'] = String(to - from)
  if (range) headers['Content-Range'] = `bytes ${from}-${to - 1}/${file.size}`
  return { status: range ? 206 : 200, headers, body: file.stream(from, to) }
}
