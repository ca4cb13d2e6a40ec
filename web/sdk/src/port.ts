import type { ICE } from '../../wire/messages'
import type { Channel } from './link'
import type { Place, Source } from './store'

/** What the worker asks of the page about connections. */
export type ToPeer =
  | { t: 'make'; link: string; offer: string | undefined; servers: ICE[]; atSite: boolean }
  | { t: 'answer'; link: string; sdp: string }
  | { t: 'candidate'; link: string; candidate: string }
  | { t: 'close'; link: string }

/** What the page tells the worker of connections. */
export type FromPeer =
  | { t: 'channels'; link: string; ctl: Channel; bulk: Channel }
  | { t: 'ports'; link: string; ctl: MessagePort; bulk: MessagePort }
  | { t: 'described'; link: string; sdp: string }
  | { t: 'found'; link: string; candidate: string }
  | { t: 'connected'; link: string; relayed: boolean; fingerprint: string }
  | { t: 'gone'; link: string; reason: string }

/** How the worker begins. */
export interface Start {
  t: 'start'
  server: string
  origin: string
  trust: string | undefined
  memory: boolean
  fresh: boolean // another key than the one that is kept
  name: string
}

/** A file of a version, as the page sees it. */
export interface FileInfo {
  path: string
  size: number
  executable: boolean
  dir: boolean
}

/** The files of one version, and the flow from which they are read: it stays the same while others come. */
export interface Listed {
  flow: string
  files: FileInfo[]
}

/** One peer, as the page may show it. */
export interface PeerInfo {
  id: string
  relayed: boolean
  received: number // bytes of chunks
  served: number
}

/** What the page knows of one content. */
export interface DownloadInfo {
  state: 'waiting' | 'preparing' | 'downloading' | 'paused' | 'complete' | 'failed'
  name: string
  version: string
  total: number // bytes of unique chunks
  held: number
  bytes: Record<Source, number>
  wan: number
  size: number // bytes of all files
  code: string
  reason: string
}

export interface Snapshot {
  connected: boolean
  site: string
  endpoint: string
  place: Place
  peers: PeerInfo[]
  failed: number // attempts at links that came to nothing
  downloads: DownloadInfo[] // in the order in which they were asked for
}

/** What the page says to the worker. */
export type ToWorker =
  | Start
  | FromPeer
  | { t: 'token'; token: string | null; why?: string }
  | { t: 'get'; download: number; name: string; version: string | undefined }
  | { t: 'files'; download: number; call: number }
  | { t: 'read'; flow: string; call: number; from: number; to: number }
  | { t: 'cancel'; call: number }
  | { t: 'suspend' | 'resume' | 'online' | 'leave' }

/** What the worker says to the page. */
export type FromWorker =
  | ToPeer
  | { t: 'joined' }
  | { t: 'refused'; code: string; detail: string }
  | { t: 'token?' } // another browser token is needed
  | { t: 'snapshot'; snapshot: Snapshot }
  | { t: 'warning'; code: string; detail: string }
  | { t: 'place'; place: Place }
  | { t: 'result'; call: number; value: Listed | Uint8Array<ArrayBuffer> }
  | { t: 'error'; call: number; code: string; detail: string }
  | { t: 'left' }
