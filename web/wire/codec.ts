import { check } from './check'
import { CodeProtocol, CodeTooLarge, CodeUnknownType, MaxMessageBytes, readers, type Heard, type Said } from './messages'
import { isObject, raw, toBase64, unsigned } from './read'

/** Says why a message or a session was refused; `code` is one of the wire's, or of a newer build. */
export class RefusedError extends Error {
  constructor(readonly code: string, readonly detail: string) {
    super(`${code}: ${detail}`)
  }
}

/** A message of a type that this build does not know; it counts in its session all the same. */
export class UnknownTypeError extends RefusedError {
  constructor(detail: string, readonly id: number, readonly ack: number) {
    super(CodeUnknownType, detail)
  }
}

/** A message of the server, with the body that belongs to its type. */
export type Message = { [K in keyof Heard]: { kind: K; id: number; ack: number; body: Heard[K] } }[keyof Heard]

const utf8 = new TextEncoder()

/** How many bytes a text takes on the wire. */
export function byteLength(s: string): number {
  return utf8.encode(s).length
}

/** Makes one message; the types say what may be in it. */
export function encode<K extends keyof Said>(kind: K, id: number, ack: number, body: Said[K]): string {
  return JSON.stringify({ type: kind, id, ack, body }, (_, value: unknown) => (value instanceof Uint8Array ? toBase64(value) : value))
}

/** Reads one message and checks it against every limit; all it throws is a {@link RefusedError}. */
export function decode(text: string): Message {
  const size = byteLength(text)
  if (size > MaxMessageBytes) throw new RefusedError(CodeTooLarge, `message of ${size} bytes`)
  try {
    const env = raw(JSON.parse(text), 'message') as Record<string, unknown>
    const kind = env.type ?? ''
    const id = unsigned(env.id, 'id')
    const ack = unsigned(env.ack, 'ack')
    if (typeof kind !== 'string') throw new TypeError('type is not a text')
    if (!Object.hasOwn(readers, kind)) throw new UnknownTypeError(`message type ${kind.slice(0, 40)} is not known`, id, ack)
    const body = readBody(kind as keyof Heard, env.body)
    return { kind, id, ack, body } as Message
  } catch (e) {
    throw e instanceof RefusedError ? e : new RefusedError(CodeProtocol, (e as Error).message)
  }
}

function readBody(kind: keyof Heard, json: unknown): unknown {
  const read = readers[kind]
  if (!read) return undefined
  if (kind !== 'renew' && !isObject(json)) throw new TypeError(`${kind} without a body`)
  const body = read(json, kind) as never
  check(kind, body)
  return body
}
