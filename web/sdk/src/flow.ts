import type { Bitmap } from './bitmap'
import type { Body } from './body'
import type { Link } from './link'
import type { Version } from './store'
import type { Swarm } from './swarm'
import type { Head } from './trust'
import type { Lease } from '../../wire/messages'

/** One version that the site orders. The page takes part in it once it asked for its content. */
export interface Flow {
  id: string
  head: Head
  priority: number // 0 is the highest
  paused: boolean
  pausedBy: string
  relay: string
  wanted: boolean // the page asked for it
  encoded?: Uint8Array // the body, once verified
  body?: Body
  version?: Version // once the store is open
  swarm?: Swarm // once the version is
  busy: boolean // the body is looked for in the store, or the store opens
  looked: boolean // for the body, in the store
  seeded: boolean // everything was taken that other versions in the store hold of it
  complete: boolean
  code: string // why it can't go on
  trouble: string
  retryAt: number
  reported?: Bitmap // as the server knows it in this session
  reportedAt: number
  announced: boolean // a progress was sent in this session
  dirty: boolean // something to report
  from?: Link // asked for the body
  left: number // pieces missing when one came last
  at: number // when that was
  since: number // when the first peer offered the body; 0 while none does
  readers: Set<{ chunk: number; end: (why?: Error) => void }> // that wait for a chunk
}

export function newFlow(id: string, head: Head): Flow {
  return {
    id, head, priority: 1, paused: false, pausedBy: '', relay: '', wanted: false, busy: false, looked: false, seeded: false, complete: false, code: '', trouble: '',
    retryAt: 0, reportedAt: -Infinity, announced: false, dirty: true, left: 0, at: 0, since: 0, readers: new Set(),
  }
}

/** Whether this endpoint takes part in exchanging it. */
export const active = (f: Flow): boolean => f.wanted && !f.paused && f.code === ''

/** A right to fetch, and how far it got. */
export interface Held {
  lease: Lease
  at: number // parts, or bytes of a body, that have come
  verified: number // leading parts kept
  started: boolean
  ended: boolean
  failed: string // why it was given back
  said: boolean // its end was reported
  announce: boolean // the session in use does not know it yet
  body?: Uint8Array // so far
}
