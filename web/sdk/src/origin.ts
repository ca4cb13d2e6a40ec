import { PaceHeader, type Lease, type Part } from '../../wire/messages'

/** The most that one request brings, bytes: a browser can't slow an answer down that it is reading. */
export const maxRequest = 256 << 10

/** One request of a lease: bytes of the object, and the parts in them. */
export interface Step {
  from: number
  to: number
  parts: Part[]
  body: boolean
}

/** The next request of a lease that has come to part `at` (of a body: to byte `at`). */
export function stepOf(lease: Lease, at: number, rate: number): Step | undefined {
  // A request that lasts for long would not notice that it should be slower.
  const most = Math.max(minRequest, Math.min(maxRequest, rate / 2))
  if (lease.body) {
    const from = lease.from + at
    return from < lease.to ? { from, to: Math.min(lease.to, from + most), parts: [], body: true } : undefined
  }
  const parts = lease.parts ?? []
  let from = lease.from
  for (const p of parts.slice(0, at)) from += (p.s ?? 0) + p.n
  const step: Step = { from: from + (parts[at]?.s ?? 0), to: from, parts: [], body: false }
  for (const p of parts.slice(at)) {
    const end = step.to + (p.s ?? 0) + p.n
    if (step.parts.length > 0 && end - step.from > most) break
    step.parts.push(p)
    step.to = end
  }
  return step.parts.length > 0 ? step : undefined
}

const minRequest = 16 << 10

/** Where the encoded bytes of a step's parts lie in its answer. */
export function* slices(step: Step, answer: Uint8Array<ArrayBuffer>): Generator<{ part: Part; encoded: Uint8Array<ArrayBuffer> }> {
  let at = 0
  for (const [i, part] of step.parts.entries()) {
    if (i > 0) at += part.s ?? 0
    yield { part, encoded: answer.subarray(at, at + part.n) }
    at += part.n
  }
}

/** An answer, and how it came: milliseconds until its first byte, bytes per second from then on. */
export interface Answer {
  bytes: Uint8Array<ArrayBuffer>
  delay: number
  rate: number
}

/** How fast an answer shall come: bytes per second, under a key by which that can be changed. */
export interface Pace {
  key: string
  rate: number
}

/** Fetches one step at a pace; throws what the origin answered instead. */
export async function fetchStep(server: URL, lease: Lease, step: Step, pace: Pace, signal: AbortSignal): Promise<Answer> {
  const url = new URL(lease.url, server)
  const size = step.to - step.from
  const headers: Record<string, string> = { Range: `bytes=${step.from}-${step.to - 1}` }
  if (url.origin === server.origin && Number.isFinite(pace.rate)) headers[PaceHeader] = `${pace.key} ${wholeRate(pace.rate)}`
  const began = performance.now()
  const response = await fetch(url, { headers, signal, credentials: 'omit', cache: 'no-store' })
  if (!isRange(response, step)) {
    await response.body?.cancel()
    throw new Error(`origin answered ${response.status}, not the range that was asked for`)
  }
  const bytes = new Uint8Array(size)
  const reader = response.body!.getReader()
  let at = 0
  let first = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    first ||= performance.now()
    if (at + value.length > size) {
      void reader.cancel()
      throw new Error('origin sent more than was asked for')
    }
    bytes.set(value, at)
    at += value.length
  }
  if (at !== size) throw new Error(`origin sent ${at} of ${size} bytes`)
  const took = performance.now() - first
  return { bytes, delay: first - began, rate: took > 0 ? (size * 1000) / took : Infinity }
}

/** A rate as the wire has it; -1: no bound. */
export function wholeRate(rate: number): number {
  return Number.isFinite(rate) ? Math.max(1, Math.round(rate)) : -1
}

/** Accepts exactly the range asked for, and the whole object only when that is the range. */
function isRange(r: Response, step: Step): boolean {
  if (r.status === 200) return step.from === 0 && Number(r.headers.get('Content-Length')) === step.to
  const range = /^bytes (\d+)-(\d+)\//.exec(r.headers.get('Content-Range') ?? '')
  return r.status === 206 && range !== null && Number(range[1]) === step.from && Number(range[2]) === step.to - 1
}
