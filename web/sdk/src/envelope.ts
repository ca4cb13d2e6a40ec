import { ContentMaxHeadBytes, ContentMaxTrustBytes } from '../../wire/messages'
import { need, raw } from '../../wire/read'
import { concat, fromBase64, sha256Hex, utf8, type Bytes } from './encoding'

/**
 * A signed document is a DSSE envelope: the signature covers the payload and its type, so
 * that nothing signed as one kind of document passes as another.
 */
export interface Envelope {
  kind: string
  payload: Bytes
  signatures: { keyid: string; sig: Bytes }[]
}

export const headType = 'application/vnd.sitecast.head+json'
export const trustType = 'application/vnd.sitecast.trust+json'

type Fields = Record<string, unknown>

const limits: Record<string, number> = { [headType]: ContentMaxHeadBytes, [trustType]: ContentMaxTrustBytes }
const maxSignatures = 8

/** Decodes an envelope within its bounds and checks its kind. It verifies nothing. */
export function unseal(kind: string, doc: unknown): Envelope {
  const limit = limits[kind]!
  need(JSON.stringify(doc)?.length <= (limit * 4) / 3 + 512 + 256 * maxSignatures, 'length of an envelope')
  const from = raw(doc, 'envelope') as Fields
  need(from.payloadType === kind, 'type of an envelope')
  need(Array.isArray(from.signatures) && from.signatures.length <= maxSignatures, 'signatures')
  const payload = fromBase64(from.payload)
  need(payload.length <= limit, 'length of a payload')
  const signatures = from.signatures.map((s) => {
    const one = raw(s, 'signature') as Fields
    return { keyid: String(one.keyid ?? ''), sig: fromBase64(one.sig) }
  })
  return { kind, payload, signatures }
}

/** Whether at least one of the keys signed. */
export async function signedBy(e: Envelope, keys: Bytes[]): Promise<boolean> {
  const signed = concat(utf8(`DSSEv1 ${e.kind.length} ${e.kind} ${e.payload.length} `), e.payload)
  for (const raw of keys) {
    const id = await sha256Hex(raw)
    for (const s of e.signatures) {
      if ((s.keyid === '' || s.keyid === id) && (await verify(raw, s.sig, signed))) return true
    }
  }
  return false
}

/** Whether an Ed25519 key signed the bytes. */
export async function verify(raw: Bytes, sig: Bytes, signed: Bytes): Promise<boolean> {
  try {
    const key = await crypto.subtle.importKey('raw', raw, 'Ed25519', false, ['verify'])
    return await crypto.subtle.verify('Ed25519', key, sig, signed)
  } catch {
    return false // a key that is none signed nothing
  }
}

/** Reads the payload as a JSON object. */
export function payloadOf(e: Envelope): Fields {
  return raw(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(e.payload)), 'payload') as Fields
}
