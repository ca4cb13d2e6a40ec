import { canBe, parseCandidate, type Network } from '../../wire/candidate'
import { MaxAddresses, MaxCandidates } from '../../wire/messages'

/**
 * The one DTLS fingerprint of a session description, as "sha-256 AA:BB:...". Where the word
 * stands anywhere but in one line of the expected form the description is refused: another
 * parser might see another line in it. What the connection then uses is compared again.
 */
export function fingerprintOf(sdp: string): string {
  if (/[^\x20-\x7e\r\n]/.test(sdp) || /\r(?!\n)/.test(sdp)) throw new Error('session description holds odd characters')
  const lines = sdp.split(/\r?\n/).filter((l) => /fingerprint/i.test(l))
  const found = lines.length === 1 ? /^a=fingerprint:sha-256 ((?:[0-9A-F]{2}:){31}[0-9A-F]{2})$/i.exec(lines[0]!) : null
  if (!found) throw new Error('session description must carry one SHA-256 fingerprint')
  return `sha-256 ${found[1]!.toUpperCase()}`
}

/** What a peer may have this browser send to. */
export interface Policy {
  loopback: boolean // both are on the server's host
  on: Network[] // that the site's links go over; none: any
}

/** Whether one of a peer's candidates is used. */
export function admits(text: string, policy: Policy): boolean {
  try {
    const c = parseCandidate(text)
    return c !== null && canBe(c, policy.loopback, policy.on)
  } catch {
    return false
  }
}

/** Takes the candidates out of a description: only what was looked at is added. One that names too many addresses has none. */
export function sift(sdp: string, policy: Policy): { sdp: string; candidates: string[] } {
  const lines = sdp.split(/\r?\n/)
  const named = lines.filter((l) => /^a=candidate:/i.test(l)).map((l) => l.slice(2))
  const candidates = named.filter((c) => admits(c, policy))
  const hosts = new Set(candidates.map((c) => c.split(/\s+/)[4]))
  const rest = lines.filter((l) => !/^a=(candidate:|end-of-candidates)/i.test(l)).join('\r\n')
  return { sdp: rest, candidates: named.length > MaxCandidates || hosts.size > MaxAddresses ? [] : candidates }
}
