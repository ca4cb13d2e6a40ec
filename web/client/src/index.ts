import createClient, { type Client } from 'openapi-fetch'
import type { components, paths } from './schema.ts'

export type { paths }
export type Schemas = components['schemas']

/** Where the server is, and who asks. */
export interface Server {
  baseUrl: string
  /** An API token; nothing where a cookie says who asks. */
  token?: string
  fetch?: typeof fetch
}

/** An answer that is no success (RFC 9457). `code` is stable, `hint` says what to do. */
export class Refusal extends Error {
  constructor(readonly problem: Schemas['Problem']) {
    super(problem.detail ?? problem.title)
  }
  get code(): string { return this.problem.code }
  get hint(): string | undefined { return this.problem.hint }
  get status(): number { return this.problem.status }
}

/** The operations of the API, typed. */
export function connect(server: Server): Client<paths> {
  const client = createClient<paths>({ baseUrl: server.baseUrl, fetch: persistent(server.fetch ?? fetch) })
  client.use({
    onRequest({ request }) {
      for (const [name, value] of Object.entries(headers(server))) request.headers.set(name, value)
      if (request.method !== 'GET' && !request.headers.has('Idempotency-Key')) request.headers.set('Idempotency-Key', `"${crypto.randomUUID()}"`)
      return request
    },
  })
  return client
}

const attempts = 6
const firstPause = 500 // milliseconds; it doubles
const passing = [429, 502, 503, 504]

/** Sends again what nobody answered, or nobody can just now, as while one server takes over from another. A change has its key, so it is made once. */
function persistent(send: typeof fetch): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init)
    for (let n = 1; ; n++) {
      let after = 0
      try {
        const answer = await send(request.clone())
        if (n === attempts || !passing.includes(answer.status)) return answer
        after = 1000 * Number(answer.headers.get('Retry-After') ?? 0)
      } catch (error) {
        if (n === attempts || request.signal.aborted) throw error
      }
      await new Promise((done) => setTimeout(done, Math.max(after || 0, firstPause * 2 ** (n - 1))))
    }
  }
}

function headers(server: Server): Record<string, string> {
  return server.token === undefined ? {} : { Authorization: `Bearer ${server.token}` }
}

type Answer<P extends keyof paths> = paths[P] extends { get: { responses: { 200: { content: { 'application/json': infer Body } } } } } ? NonNullable<Body> : never
type Row<P extends keyof paths> = Answer<P> extends readonly (infer T)[] ? T : never
type Query<P extends keyof paths> = paths[P] extends { get: { parameters: { query?: infer Q } } } ? NonNullable<Q> : never

/** Paths without variables whose answers are lists. */
export type ListPath = { [P in keyof paths]: P extends `${string}{${string}` ? never : [Row<P>] extends [never] ? never : P }[keyof paths]

/** Reads a list to its end, page by page. */
export async function* list<P extends ListPath>(server: Server, path: P, query?: Query<P>): AsyncGenerator<Row<P>> {
  const search = new URLSearchParams(Object.entries(query ?? {}).map(([name, value]) => [name, String(value)]))
  let next: string | undefined = `${path}?${search}`
  while (next !== undefined) {
    const answer: Response = await ask(server, next)
    yield* (await answer.json() ?? []) as Row<P>[]
    next = /<([^<>]*)>\s*;\s*rel="?next"?/.exec(answer.headers.get('Link') ?? '')?.[1]
  }
}

async function ask(server: Server, path: string, more: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> {
  const answer = await (server.fetch ?? fetch)(new URL(path, server.baseUrl), { headers: { ...headers(server), ...more }, signal })
  if (!answer.ok) {
    const fallback = { status: answer.status, title: answer.statusText, code: 'unknown' }
    throw new Refusal(await answer.json().catch(() => fallback) as Schemas['Problem'])
  }
  return answer
}

/** What may be watched. */
export interface Watch {
  view: 'flows' | 'endpoints' | 'overview'
  site?: string
  content?: string
  signal?: AbortSignal
  /** Told whenever a stream begins, is still there (15 s apart at most), or ends. */
  onLink?: (up: boolean) => void
}

/** `reset`: forget what you have. `change`: take away what `gone` names, then put what `set` holds. */
export type ServerEvent<T> =
  | { kind: 'reset'; data: { view: string; reason: string } }
  | { kind: 'change'; data: { view: string; set?: T[]; gone?: string[]; more?: boolean } }

interface Views {
  flows: Schemas['FlowView']
  endpoints: Schemas['EndpointView']
  overview: Schemas['Overview']
}

const comeBack = 2000 // milliseconds

/** Follows events until `signal` says stop, over as many streams as it takes. It throws what the server refuses. */
export async function* events<W extends Watch>(server: Server, watch: W): AsyncGenerator<ServerEvent<Views[W['view']]>> {
  const query = new URLSearchParams({ view: watch.view, site: watch.site ?? '', content: watch.content ?? '' })
  let last = ''
  while (!watch.signal?.aborted) {
    try {
      const answer = await ask(server, `/api/v1/events?${query}`, last === '' ? {} : { 'Last-Event-ID': last }, watch.signal)
      watch.onLink?.(true)
      for await (const event of read(answer)) {
        watch.onLink?.(true)
        if (event.id !== '') last = event.id
        if (event.kind === 'reset' || event.kind === 'change') yield { kind: event.kind, data: JSON.parse(event.data) } as ServerEvent<Views[W['view']]>
      }
    } catch (error) {
      if (error instanceof Refusal && error.status < 500) throw error
    }
    watch.onLink?.(false)
    if (!watch.signal?.aborted) await new Promise((done) => setTimeout(done, comeBack))
  }
}

/** Reads server-sent events, as far as our server uses the format. */
async function* read(answer: Response): AsyncGenerator<{ kind: string; id: string; data: string }> {
  if (answer.body === null) return
  let rest = ''
  for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
    rest += text
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      const event = { kind: '', id: '', data: '' }
      for (const line of rest.slice(0, end).split('\n')) {
        const [, name, value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? []
        if (name === 'event') event.kind = value
        if (name === 'id') event.id = value
        if (name === 'data') event.data += value
      }
      rest = rest.slice(end + 2)
      yield event
    }
  }
}
