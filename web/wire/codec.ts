import { check } from './check'
import { CodeProtocol, CodeTooLarge, CodeUnknownType, EnvelopeBytes, MaxMessageBytes, MaxNumber, tables, type Bodies, type Kind } from './messages'

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

/** A message with the body that belongs to its type. */
export type Message = { [K in Kind]: { kind: K; id: number; ack: number; body: Bodies[K] } }[Kind]

const utf8 = new TextEncoder()

/** How many bytes a text takes on the wire. */
export function byteLength(s: string): number {
  return utf8.encode(s).length
}

/** Makes one message. It refuses what the other side would refuse, so that a mistake shows where it is made. */
export function encode<K extends Kind>(kind: K, id: number, ack: number, body: Bodies[K]): string {
  const table = tables[kind]
  const out: Record<string, unknown> = { type: kind }
  if (id) out.id = id
  if (ack) out.ack = ack
  if (table) {
    check(kind, body)
    out.body = table.write(body)
    const size = byteLength(JSON.stringify(out.body))
    if (size > MaxMessageBytes - EnvelopeBytes) throw new RefusedError(CodeTooLarge, `${kind} of ${size} bytes`)
  }
  return JSON.stringify(out)
}

/** Reads one message and checks it against every limit; all it throws is a {@link RefusedError}. */
export function decode(text: string): Message {
  if (text.length > MaxMessageBytes || byteLength(text) > MaxMessageBytes) {
    throw new RefusedError(CodeTooLarge, `message of ${byteLength(text)} bytes, limit ${MaxMessageBytes}`)
  }
  const env = parse(text)
  const id = counter(env.id, 'id')
  const ack = counter(env.ack, 'ack')
  const kind = env.type
  if (kind !== undefined && typeof kind !== 'string') throw new RefusedError(CodeProtocol, 'type is not a text')
  if (!kind || !Object.hasOwn(tables, kind)) throw new UnknownTypeError(`message type ${String(kind).slice(0, 40)} is not known`, id, ack)
  return { kind, id, ack, body: readBody(kind as Kind, env.body) } as Message
}

function parse(text: string): Record<string, unknown> {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (e) {
    throw new RefusedError(CodeProtocol, `message: ${(e as Error).message}`)
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new RefusedError(CodeProtocol, 'message is not an object')
  return json as Record<string, unknown>
}

function counter(n: unknown, what: string): number {
  if (n === undefined || n === null) return 0
  if (!Number.isSafeInteger(n) || (n as number) < 0 || (n as number) > MaxNumber) throw new RefusedError(CodeProtocol, `${what} is not a number up to ${MaxNumber}`)
  return n as number
}

function readBody(kind: Kind, json: unknown): unknown {
  const table = tables[kind]
  if (!table) return undefined
  const isObject = typeof json === 'object' && json !== null && !Array.isArray(json)
  if (!isObject && !(json === undefined && kind === 'renew')) throw new RefusedError(CodeProtocol, `${kind} without a body`)
  try {
    const body = table.read(json ?? {}, kind)
    check(kind, body)
    return body
  } catch (e) {
    if (e instanceof RefusedError) throw e
    throw new RefusedError(CodeProtocol, (e as Error).message)
  }
}
