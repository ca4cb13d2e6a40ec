// The publisher's key, and what is signed with it. It is read from a file, lives as long as the page, and can't be exported from
// what the page keeps: WebCrypto signs.

import { hexOf, sum } from './body.ts'

const algorithm = 'Ed25519'

export interface Key {
  sign: CryptoKey
  /** The public half, and its name: the SHA-256 of it. */
  publicKey: Uint8Array<ArrayBuffer>
  id: string
}

const begin = '-----BEGIN PRIVATE KEY-----'
const end = '-----END PRIVATE KEY-----'

/** A key file is a few hundred bytes. */
export const maxKeyBytes = 16 << 10

export class KeyError extends Error {}

export const base64 = (bytes: Uint8Array): string => btoa(Array.from(bytes, (b) => String.fromCharCode(b)).join(''))
export const unbase64 = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(text), (c) => c.charCodeAt(0))

/** Reads what `sitecast publisher key` writes: PKCS #8 in PEM. */
export async function readKey(pem: string): Promise<Key> {
  const [from, to] = [pem.indexOf(begin), pem.indexOf(end)]
  if (from < 0 || to < from) throw new KeyError()
  try {
    const der = unbase64(pem.slice(from + begin.length, to).replace(/\s/g, ''))
    // The public half is got from a copy that can be exported and is dropped here.
    const { x } = await crypto.subtle.exportKey('jwk', await crypto.subtle.importKey('pkcs8', der, algorithm, true, ['sign']))
    const publicKey = unbase64(x!.replaceAll('-', '+').replaceAll('_', '/'))
    return { sign: await crypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']), publicKey, id: await sum(publicKey) }
  } catch {
    throw new KeyError()
  }
}

/** Makes a key, as the file that is to be kept. */
export async function makeKey(): Promise<string> {
  const pair = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as CryptoKeyPair
  const text = base64(new Uint8Array(await crypto.subtle.exportKey('pkcs8', pair.privateKey)))
  return `${begin}\n${text.replace(/(.{64})(?=.)/g, '$1\n')}\n${end}\n`
}

/** Whether this browser can sign at all. */
export const canSign = (): Promise<boolean> => crypto.subtle?.generateKey(algorithm, false, ['sign', 'verify']).then(() => true, () => false) ?? Promise.resolve(false)

const headType = 'application/vnd.sitecast.head+json'

/** What a publisher says of a version. The order of its members is that of storage/content.Head. */
export interface Head {
  name: string
  version: string
  serial: number
  created: string
  kind: 'file' | 'tree'
  bytes: number
  unique_bytes: number
  chunks: number
  body: string
  body_bytes: number
}

/** A time as heads have it: in UTC and whole seconds. */
export const seconds = (at: Date): string => at.toISOString().replace(/\.\d+Z$/, 'Z')

/** Signs a head: a DSSE envelope. */
export async function signHead(head: Head | object, key: Pick<Key, 'sign' | 'id'>): Promise<object> {
  const payload = new TextEncoder().encode(JSON.stringify(head))
  const about = new TextEncoder().encode(`DSSEv1 ${headType.length} ${headType} ${payload.length} `)
  const signed = new Uint8Array(about.length + payload.length)
  signed.set(about)
  signed.set(payload, about.length)
  const sig = new Uint8Array(await crypto.subtle.sign(algorithm, key.sign, signed))
  return { payloadType: headType, payload: base64(payload), signatures: [{ keyid: key.id, sig: base64(sig) }] }
}

/** What the organisation's trust document says, as far as it matters here. */
export interface Trusted {
  publishers?: { key: string; name: string; prefixes: string[]; expires?: string }[]
  revoked?: { key: string; name: string; at: string }[]
}

/** Reads the payload of a trust document. That it is genuine is for endpoints and the server to check: what is signed here is refused there if not. */
export function trusted(document: unknown): Trusted {
  const payload = (document as { payload?: unknown } | null)?.payload
  return typeof payload === 'string' ? JSON.parse(new TextDecoder().decode(unbase64(payload))) as Trusted : {}
}

export type Standing = { is: 'trusted' | 'expired' | 'revoked' | 'elsewhere'; name: string } | { is: 'unknown' }

/** Whether a key may publish content of a name. */
export function standing(doc: Trusted, publicKey: Uint8Array, name: string, now: number): Standing {
  const same = (p: { key: string }) => hexOf(unbase64(p.key)) === hexOf(publicKey)
  const gone = doc.revoked?.find(same)
  if (gone) return { is: 'revoked', name: gone.name }
  const p = doc.publishers?.find(same)
  if (p === undefined) return { is: 'unknown' }
  if (p.expires && Date.parse(p.expires) <= now) return { is: 'expired', name: p.name }
  return { is: p.prefixes.some((prefix) => name.startsWith(prefix)) ? 'trusted' : 'elsewhere', name: p.name }
}
