/**
 * Reads one value out of JSON that came from elsewhere; the readers in messages.ts are made
 * of those below. Members that a reader does not name are left out, what is left out or null
 * is the zero of its type as in Go, and what has the wrong type throws a TypeError.
 */
export type Read<T = unknown> = (json: unknown, at: string) => T

function wrong(at: string, what: string): never {
  throw new TypeError(`${at} is not ${what}`)
}

/** Throws where something that came from elsewhere is not as it has to be. */
export function need(ok: unknown, what: string): asserts ok {
  if (!ok) throw new TypeError(`${what} is missing, wrong or out of range`)
}

function scalar<T>(what: string, zero: T, ok: (json: unknown) => boolean): Read<T> {
  return (json, at) => (ok((json ??= zero)) ? (json as T) : wrong(at, what))
}

export const text = scalar('a text', '', (v) => typeof v === 'string')
export const flag = scalar('true or false', false, (v) => typeof v === 'boolean')
export const whole = scalar('a whole number', 0, Number.isSafeInteger)
export const unsigned = scalar('a whole number from 0 on', 0, (v) => Number.isSafeInteger(v) && (v as number) >= 0)

const rfc3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))?$/
export const time = scalar('a time', '', (v) => typeof v === 'string' && rfc3339.test(v) && !(v && Number.isNaN(Date.parse(v))))

/** Hexadecimal digits of a fixed number. */
export function hex(digits: number): Read<string> {
  const ok = new RegExp(`^[0-9a-fA-F]{${digits}}$`)
  const read = scalar(`${digits} hexadecimal digits`, '0'.repeat(digits), (v) => typeof v === 'string' && ok.test(v))
  return (json, at) => read(json, at).toLowerCase()
}

const padded = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const base64 = scalar('base64', '', (v) => typeof v === 'string' && padded.test(v))

/** Bytes, as base64 with padding. */
export const bytes: Read<Uint8Array<ArrayBuffer>> = (json, at) => Uint8Array.from(atob(base64(json, at)), (c) => c.charCodeAt(0))

/** How bytes are written. */
export function toBase64(b: Uint8Array): string {
  let out = ''
  for (const x of b) out += String.fromCharCode(x)
  return btoa(out)
}

export function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

/** A document within the message, which is read elsewhere. */
export const raw = scalar('an object', undefined as unknown, (v) => v === undefined || isObject(v))

export function list(of: Read): Read<unknown[]> {
  const read = scalar<unknown[]>('a list', [], Array.isArray)
  return (json, at) => read(json, at).map((v, i) => of(v, `${at}[${i}]`))
}

/** What Go leaves out where it is empty. */
export function opt(of: Read): Read {
  return (json, at) => (json === undefined || json === null ? undefined : of(json, at))
}

export function object(members: Record<string, Read>): Read {
  const read = scalar<Record<string, unknown>>('an object', {}, isObject)
  return (json, at) => {
    const from = read(json, at)
    const out: Record<string, unknown> = {}
    for (const [key, member] of Object.entries(members)) {
      const value = member(Object.hasOwn(from, key) ? from[key] : undefined, `${at}.${key}`)
      if (value !== undefined) out[key] = value
    }
    return out
  }
}
