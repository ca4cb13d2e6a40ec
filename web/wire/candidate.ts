import { MaxCandidateBytes, MinPort } from './messages'

/** Bytes of an IP address: 4, or 16; IPv4 inside IPv6 is the IPv4 it is. Null for what is none. */
export function parseAddress(s: string): number[] | null {
  const v4 = parseV4(s)
  if (v4 || !/^[0-9a-fA-F:.]+$/.test(s) || !URL.canParse(`http://[${s}]`)) return v4
  // The browser writes it as groups of hexadecimal digits, with "::" for the longest run of zeros.
  const halves = new URL(`http://[${s}]`).hostname.slice(1, -1).split('::')
  const [head, tail] = halves.map((half) => half.split(':').flatMap((group) => (group ? [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255] : [])))
  const bytes = [...head!, ...new Array<number>(16 - head!.length - (tail?.length ?? 0)).fill(0), ...(tail ?? [])]
  const mapped = bytes.slice(0, 10).every((b) => b === 0) && bytes[10] === 255 && bytes[11] === 255
  return mapped ? bytes.slice(12) : bytes
}

function parseV4(s: string): number[] | null {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(s)?.slice(1)
  return parts?.every((p) => Number(p) < 256 && (p === '0' || !p.startsWith('0'))) ? parts.map(Number) : null
}

/** A network, as "10.0.0.0/8". */
export interface Network {
  address: number[]
  bits: number
}

/** Null for what is no network. */
export function parseNetwork(s: string): Network | null {
  const [ip, length, ...more] = s.split('/')
  const address = parseAddress(ip ?? '')
  if (!address || more.length > 0 || !/^\d{1,3}$/.test(length ?? '')) return null
  const bits = Number(length)
  return bits <= 8 * address.length ? { address, bits } : null
}

/** Whether an address lies in a network. */
export function contains(n: Network, ip: number[]): boolean {
  if (n.address.length !== ip.length) return false
  for (let i = 0; i < n.bits; i++) {
    const bit = 0x80 >> (i & 7)
    if ((n.address[i >> 3]! & bit) !== (ip[i >> 3]! & bit)) return false
  }
  return true
}

/** One way that a peer says it can be reached, as far as endpoints use it: over UDP. */
export interface Candidate {
  /** Null where a browser hides its address behind a name that only its LAN resolves (mDNS). */
  address: number[] | null
  port: number
  type: string
}

/** Reads a candidate attribute; null for a kind that is not used, an error for what is none. */
export function parseCandidate(text: string): Candidate | null {
  const fields = text.replace(/^candidate:/, '').trim().split(/\s+/)
  if (text.length > MaxCandidateBytes || fields.length < 8 || fields[6] !== 'typ') throw new Error('candidate is none')
  const [, component, transport, priority, host, port, , type] = fields as [string, string, string, string, string, string, string, string]
  if (!/^\d+$/.test(priority) || !/^\d{1,5}$/.test(port)) throw new Error('candidate is none')
  if (component !== '1' || transport.toLowerCase() !== 'udp' || !['host', 'srflx', 'prflx', 'relay'].includes(type)) return null
  if (/^[0-9a-f-]{1,64}\.local$/i.test(host)) return { address: null, port: Number(port), type }
  const address = parseAddress(host)
  if (!address) throw new Error('candidate has no address')
  return { address, port: Number(port), type }
}

const nowhere = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '240.0.0.0/4', '::/128', '::1/128', 'fe80::/10', 'ff00::/8'].map((n) => parseNetwork(n)!)
const loopbacks = ['127.0.0.0/8', '::1/128'].map((n) => parseNetwork(n)!)

/**
 * Whether a peer can be at a candidate: nobody may have this browser send to its own host,
 * to all of a network, or to services. With loopback both are on the server's host.
 */
export function canBe(c: Candidate, loopback: boolean, on: Network[]): boolean {
  if (c.port < MinPort) return false
  if (!c.address) return true
  const ip = c.address
  const local = loopbacks.some((n) => contains(n, ip))
  if (local ? !loopback : nowhere.some((n) => contains(n, ip))) return false
  return c.type === 'relay' || on.length === 0 || on.some((n) => contains(n, ip))
}
