import { hexOf } from '../../wire/frames'
import { bytes } from '../../wire/read'
export { toBase64 } from '../../wire/read'

export type Bytes = Uint8Array<ArrayBuffer>

export const utf8 = (s: string): Bytes => new TextEncoder().encode(s) as Bytes

/** Reads base64 with padding; throws where it is none. */
export const fromBase64 = (s: unknown): Bytes => bytes(s, 'the value')

export async function sha256(b: Uint8Array): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', b as Bytes))
}

export const sha256Hex = async (b: Uint8Array): Promise<string> => hexOf(await sha256(b))

export function concat(...parts: Uint8Array[]): Bytes {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0))
  let at = 0
  for (const p of parts) {
    out.set(p, at)
    at += p.length
  }
  return out
}

/** Random bytes as hexadecimal digits. */
export const randomHex = (n: number): string => hexOf(crypto.getRandomValues(new Uint8Array(n)))

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'

/** Lower-case base32 without padding. */
export function base32(b: Uint8Array): string {
  let out = ''
  let bits = 0
  let value = 0
  for (const x of b) {
    value = ((value << 8) | x) & 0xfff
    bits += 8
    while (bits >= 5) {
      bits -= 5
      out += alphabet[(value >> bits) & 31]
    }
  }
  if (bits > 0) out += alphabet[(value << (5 - bits)) & 31]
  return out
}

/** Text for a person, short enough for a message. */
export function clip(s: string): string {
  return s.replace(/[^\x20-\x7e]/g, '?').slice(0, 256)
}
