import { base32, concat, sha256, utf8, type Bytes } from './encoding'
import { verify } from './envelope'

/** An endpoint's key: the private half never leaves the browser's key store. */
export interface Identity {
  id: string
  publicKey: Bytes
  sign(claim: Bytes): Promise<Bytes>
}

/** The name of the endpoint that holds the private half of a key. */
export async function idOf(publicKey: Bytes): Promise<string> {
  return base32((await sha256(publicKey)).subarray(0, 20))
}

/**
 * The endpoint's identity, the same at each visit; a fresh one where nothing can be kept,
 * or for a tab beside the one that has it.
 */
export async function loadIdentity(fresh: boolean): Promise<Identity> {
  const make = () => crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify']) as Promise<CryptoKeyPair>
  const pair = fresh ? await make() : await kept(make).catch(make)
  const publicKey = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey))
  return { id: await idOf(publicKey), publicKey, sign: async (claim) => new Uint8Array(await crypto.subtle.sign('Ed25519', pair.privateKey, claim)) }
}

/** Keeps a key pair in IndexedDB; a key that can't be exported can be kept there all the same. */
async function kept(make: () => Promise<CryptoKeyPair>): Promise<CryptoKeyPair> {
  const db = await asked(indexedDB.open('sitecast', 1), (open) => {
    open.onupgradeneeded = () => open.result.createObjectStore('identity')
  })
  try {
    const held = await asked<CryptoKeyPair | undefined>(db.transaction('identity').objectStore('identity').get('key'))
    if (held) return held
    const pair = await make()
    await asked(db.transaction('identity', 'readwrite').objectStore('identity').put(pair, 'key'))
    return pair
  } finally {
    db.close()
  }
}

function asked<T>(request: IDBRequest<T>, prepare?: (r: IDBOpenDBRequest) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    prepare?.(request as unknown as IDBOpenDBRequest)
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

/** What an endpoint signs to get a token. */
export const sessionClaim = (nonce: string): Bytes => utf8(`sitecast session 1\n${nonce}`)

/** What a statement vouches for; the link's name is the nonce. */
export interface Claim {
  role: 'offer' | 'answer'
  from: string
  to: string
  site: string
  link: string
  fingerprint: string
}

function claimBytes(c: Claim): Bytes {
  return utf8(['sitecast link 1', c.role, c.from, c.to, c.site, c.link, c.fingerprint].join('\n'))
}

export async function signStatement(i: Identity, c: Claim): Promise<{ key: Bytes; signature: Bytes }> {
  return { key: i.publicKey, signature: await i.sign(claimBytes(c)) }
}

/** Whether a statement was made for exactly this claim by the endpoint that it is from. */
export async function proven(c: Claim, s: { key: Uint8Array; signature: Uint8Array }): Promise<boolean> {
  if ([c.role, c.from, c.to, c.site, c.link, c.fingerprint].some((part) => part.includes('\n'))) return false
  const key = concat(s.key)
  return key.length === 32 && (await idOf(key)) === c.from && verify(key, concat(s.signature), claimBytes(c))
}
