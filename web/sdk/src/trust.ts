import { hexOf } from '../../wire/frames'
import {
  ContentMaxNameBytes, MaxBodyBytes, MaxChunkBytes, MaxChunks, MaxPrefixes, MaxPublishers, MaxSerial, MaxStreamChunks,
} from '../../wire/messages'
import { checkName, checkVersion } from '../../wire/names'
import { need } from '../../wire/read'
import { fromBase64, sha256, toBase64, utf8, type Bytes } from './encoding'
import { headType, payloadOf, signedBy, trustType, unseal } from './envelope'

/** The signed statement that a version exists; what it consists of is in the body it names. */
export interface Head {
  name: string
  version: string
  serial: number
  created: number // milliseconds
  expires: number // 0: never
  kind: 'file' | 'tree'
  bytes: number // of all files together
  uniqueBytes: number // of all chunks, each once
  chunks: number
  body: string // digest of the encoded body
  bodyBytes: number
}

interface Publisher {
  key: Bytes
  prefixes: string[]
  expires: number
}

/** Why a document is not believed. */
export class TrustError extends Error {
  constructor(readonly code: 'untrusted' | 'expired', detail: string) {
    super(detail)
  }
}

/**
 * Checks the organisation's root key against the digest that the page was given:
 * "sha256-" and the digest in base64, as in subresource integrity, or in hexadecimal.
 */
export async function checkRoot(root: Bytes, want: string): Promise<void> {
  const digest = await sha256(root)
  const given = want.replace(/^sha256-/, '')
  if (given !== toBase64(digest) && given.toLowerCase() !== hexOf(digest)) {
    throw new TrustError('untrusted', 'the page does not trust this server: check `trust`')
  }
}

/** A verified trust document: whose heads are believed, for which names, until when. */
export class Trust {
  private constructor(readonly serial: number, private readonly publishers: Publisher[]) {}

  /** Verifies that root signed the document, and checks it. */
  static async open(doc: unknown, root: Bytes): Promise<Trust> {
    const e = unseal(trustType, doc)
    if (!(await signedBy(e, [root]))) throw new TrustError('untrusted', 'trust document is not signed by the root key')
    const p = payloadOf(e)
    const serial = between(p.serial, 1, MaxSerial, 'serial')
    const list = p.publishers ?? []
    need(instant(p.created, 'created') && Array.isArray(list) && list.length <= MaxPublishers, 'something in the trust document')
    const publishers = list.map(publisher)
    need(new Set(publishers.map((q) => hexOf(q.key))).size === publishers.length, 'a key')
    return new Trust(serial, publishers)
  }

  /**
   * Verifies that a publisher who may publish under the head's name signed it; `now` is
   * the server's time in milliseconds.
   */
  async openHead(doc: unknown, now: number): Promise<{ head: Head; id: string }> {
    const e = unseal(headType, doc)
    const head = readHead(payloadOf(e))
    const passed = (expires: number) => expires !== 0 && now >= expires
    const covering = this.publishers.filter((p) => p.prefixes.some((prefix) => head.name.startsWith(prefix)))
    const keys = (expired: boolean) => covering.filter((p) => passed(p.expires) === expired).map((p) => p.key)
    if (!(await signedBy(e, keys(false)))) {
      if (!(await signedBy(e, keys(true)))) throw new TrustError('untrusted', `${head.name}@${head.version} is not signed by a trusted key`)
      throw new TrustError('expired', `the key of the publisher of ${head.name}@${head.version} has expired`)
    }
    if (passed(head.expires)) throw new TrustError('expired', `${head.name}@${head.version} has expired`)
    return { head, id: hexOf((await sha256(e.payload)).subarray(0, 16)) }
  }
}

function publisher(json: unknown): Publisher {
  const p = json as Record<string, unknown>
  const key = fromBase64(p.key)
  const name = word(p.name, 'name')
  const prefixes = p.prefixes as string[]
  const short = (text: string) => utf8(text).length <= ContentMaxNameBytes
  need(key.length === 32 && name && short(name), 'a publisher')
  need(Array.isArray(prefixes) && prefixes.length > 0 && prefixes.length <= MaxPrefixes && prefixes.every((x) => short(word(x, 'prefix'))), 'prefixes')
  return { key, prefixes, expires: instant(p.expires, 'expires') }
}

function readHead(p: Record<string, unknown>): Head {
  const chunks = between(p.chunks, 0, MaxChunks, 'chunks')
  const uniqueBytes = between(p.unique_bytes, chunks, chunks * MaxChunkBytes, 'unique_bytes')
  const bytes = between(p.bytes, uniqueBytes, MaxStreamChunks * MaxChunkBytes, 'bytes')
  const body = word(p.body, 'body')
  need(/^[0-9a-fA-F]{64}$/.test(body) && (bytes === 0 || chunks > 0), 'body')
  need(p.kind === 'file' || p.kind === 'tree', 'kind')
  const head: Head = {
    name: word(p.name, 'name'), version: word(p.version, 'version'), serial: between(p.serial, 1, MaxSerial, 'serial'),
    created: instant(p.created, 'created'), expires: instant(p.expires, 'expires'), kind: p.kind, bytes, uniqueBytes, chunks,
    body: body.toLowerCase(), bodyBytes: between(p.body_bytes, 16 + 36 * chunks, MaxBodyBytes, 'body_bytes'),
  }
  checkName(head.name)
  checkVersion(head.version)
  need(head.created && (!head.expires || head.expires > head.created), 'time of a head')
  return head
}

function word(json: unknown, what: string): string {
  need(typeof json === 'string', what)
  return json
}

function between(json: unknown, least: number, most: number, what: string): number {
  const n = (json ?? 0) as number
  need(Number.isSafeInteger(n) && n >= least && n <= most, what)
  return n
}

/** Milliseconds; 0 for a time that is left out. */
function instant(json: unknown, what: string): number {
  if (json === undefined || json === '0001-01-01T00:00:00Z') return 0
  const t = Date.parse(word(json, what))
  need(!Number.isNaN(t), what)
  return t
}
