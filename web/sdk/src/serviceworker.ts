import type { Ask, Answer } from './serve'

/** What a service worker serves from the swarm. */
export interface ServeOptions {
  /** Paths of this web origin, as "/app/": what lies below is asked of a page that joined. */
  prefixes: string[]
  /** How long a page may take to answer before the network is asked, milliseconds. */
  patience?: number
}

/** What of a service worker's global scope is used; the DOM's types leave it out. */
interface Scope {
  addEventListener(type: 'fetch', listener: (e: FetchEvent) => void): void
  clients: { matchAll(o: { type: 'window' }): Promise<{ postMessage(m: unknown, transfer: Transferable[]): void }[]> }
  location: Location
}
interface FetchEvent extends Event {
  request: Request
  respondWith(r: Promise<Response>): void
}

/**
 * Serves the declared prefixes from a page of this origin that joined and called
 * `session.serve`; where none answers, from the network. Call it once, when the service
 * worker starts.
 */
export function serve(options: ServeOptions): void {
  const scope = self as unknown as Scope
  scope.addEventListener('fetch', (e) => {
    const url = new URL(e.request.url)
    const ours = url.origin === scope.location.origin && options.prefixes.some((p) => url.pathname.startsWith(p))
    if (ours && e.request.method === 'GET') e.respondWith(answer(scope, e.request, url.pathname, options.patience ?? 1000))
  })
}

async function answer(scope: Scope, request: Request, path: string, patience: number): Promise<Response> {
  const pages = await scope.clients.matchAll({ type: 'window' })
  const asked = pages.map((page) => {
    const { port1, port2 } = new MessageChannel()
    return new Promise<Answer>((resolve, reject) => {
      port1.onmessage = (e: MessageEvent<Answer | null>) => (e.data ? resolve(e.data) : reject(new Error('not held')))
      const ask: Ask = { sitecast: 'ask', path, range: request.headers.get('Range') }
      page.postMessage(ask, [port2])
    })
  })
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(new Error('late')), patience)))
  try {
    const { body, status, headers } = await Promise.race([Promise.any(asked), late])
    return new Response(body, { status, headers })
  } catch {
    return fetch(request) // no page is there, none has it, or all are slow
  } finally {
    clearTimeout(timer)
  }
}
