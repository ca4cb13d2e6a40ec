import {
  ChannelBulk, ChannelCtl, FrameBody, FrameCancel, FrameCredit, FrameData, FrameGrant, FrameHave, FrameHaveBody, FrameHaveList,
  FrameHello, FrameJoin, FrameLeave, FrameRefuse, FrameTaken, FrameUplink, FrameWant, FrameWantBody, MaxBodyBytes, MaxChunkBytes,
  MaxChunks, MaxDataBytes, MaxFrameBytes, MaxHaveBytes, MaxListed, MaxNumber, type Grant,
} from './messages'

/**
 * One frame. Which members count depends on its kind, as PROTOCOL.md lays out; `payload`
 * is a view of the buffer that was decoded.
 */
export interface Frame {
  kind: number
  /** 32 hexadecimal digits */
  version?: string
  number?: number
  offset?: number
  length?: number
  total?: number
  flags?: number
  chunks?: number[]
  payload?: Uint8Array
  grant?: Omit<Grant, 'from' | 'to'>
}

/** A frame that closes the link: `unknown_type`, or `protocol` for one that breaks its layout or a limit. */
export class FrameError extends Error {
  constructor(readonly code: 'unknown_type' | 'protocol', detail: string) {
    super(detail)
  }
}

interface Layout {
  version?: boolean // 16 bytes of version id
  fixed?: number // then bytes of fixed fields
  list?: boolean // then u32 numbers to the end
  payload?: boolean // or at least one byte to the end
}

const layouts: Record<number, Layout> = {
  [FrameHello]: { fixed: 2 },
  [FrameCredit]: { fixed: 8 },
  [FrameJoin]: { version: true, fixed: 5 },
  [FrameLeave]: { version: true },
  [FrameHave]: { version: true, fixed: 4, payload: true },
  [FrameHaveList]: { version: true, list: true },
  [FrameWant]: { version: true, list: true },
  [FrameCancel]: { version: true, list: true },
  [FrameRefuse]: { version: true, fixed: 1, list: true },
  [FrameHaveBody]: { version: true },
  [FrameWantBody]: { version: true, fixed: 8 },
  [FrameUplink]: { fixed: 1 },
  [FrameGrant]: { fixed: 53 },
  [FrameTaken]: { fixed: 9 },
  [FrameData]: { version: true, fixed: 8, payload: true },
  [FrameBody]: { version: true, fixed: 4, payload: true },
}

const grantLossy = 1

/** The channel that frames of a kind travel on. */
export function channelOf(kind: number): number {
  return kind >= FrameData ? ChannelBulk : ChannelCtl
}

/** Encodes what it is given: the limits are the caller's to keep and the receiver's to check. */
export function encodeFrame(f: Frame): Uint8Array<ArrayBuffer> {
  const l = layouts[f.kind] ?? {}
  const head = 1 + (l.version ? 16 : 0) + (l.fixed ?? 0)
  const out = new Uint8Array(head + 4 * (f.chunks?.length ?? 0) + (f.payload?.length ?? 0))
  const view = new DataView(out.buffer)
  out[0] = f.kind
  if (l.version) putHex(out, 1, f.version ?? '')
  writeFixed(view, head - (l.fixed ?? 0), f)
  let at = head
  for (const c of f.chunks ?? []) {
    view.setUint32(at, c)
    at += 4
  }
  if (f.payload) out.set(f.payload, at)
  return out
}

function writeFixed(view: DataView, at: number, f: Frame): void {
  switch (f.kind) {
    case FrameHello:
      return view.setUint16(at, f.number ?? 0)
    case FrameCredit:
      return putU64(view, at, f.total ?? 0)
    case FrameJoin:
      view.setUint8(at, f.flags ?? 0)
      return view.setUint32(at + 1, f.number ?? 0)
    case FrameHave:
      return view.setUint32(at, f.number ?? 0)
    case FrameRefuse:
    case FrameUplink:
      return view.setUint8(at, f.flags ?? 0)
    case FrameWantBody:
      view.setUint32(at, f.offset ?? 0)
      return view.setUint32(at + 4, f.length ?? 0)
    case FrameData:
      view.setUint32(at, f.number ?? 0)
      return view.setUint32(at + 4, f.offset ?? 0)
    case FrameBody:
      return view.setUint32(at, f.offset ?? 0)
    case FrameTaken:
      putU64(view, at, f.total ?? 0)
      return view.setUint8(at + 8, f.flags ?? 0)
    case FrameGrant: {
      const g = f.grant!
      const numbers = [g.epoch, g.term, g.seq, g.bytes_per_second, g.site, g.floor]
      numbers.forEach((n, i) => view.setBigInt64(at + 8 * i, BigInt(n)))
      view.setUint32(at + 48, g.valid_ms)
      return view.setUint8(at + 52, g.lossy ? grantLossy : 0)
    }
  }
}

/** Decodes one frame, or throws a {@link FrameError}. Only lists take memory, MaxListed numbers at most. */
export function parseFrame(b: Uint8Array): Frame {
  if (b.length === 0 || b.length > MaxFrameBytes) throw new FrameError('protocol', `frame of ${b.length} bytes`)
  const kind = b[0]!
  const l = layouts[kind]
  if (!l) throw new FrameError('unknown_type', `frame of kind ${kind}`)
  const fixed = l.fixed ?? 0
  const head = 1 + (l.version ? 16 : 0) + fixed
  if (b.length < head || (b.length > head && !l.list && !l.payload)) throw new FrameError('protocol', `frame of kind ${kind} with ${b.length} bytes`)
  const f: Frame = { kind }
  const view = new DataView(b.buffer, b.byteOffset, b.byteLength)
  if (l.version) f.version = hexOf(b.subarray(1, 17))
  readFixed(view, head - fixed, f)
  const rest = b.subarray(head)
  if (l.list) {
    if (rest.length % 4 !== 0 || rest.length / 4 > MaxListed) throw new FrameError('protocol', `list of ${rest.length} bytes`)
    f.chunks = Array.from({ length: rest.length / 4 }, (_, i) => view.getUint32(head + 4 * i))
  } else if (l.payload) {
    f.payload = rest
  }
  if (!within(f)) throw new FrameError('protocol', `frame of kind ${kind} beyond a limit`)
  return f
}

function readFixed(view: DataView, at: number, f: Frame): void {
  switch (f.kind) {
    case FrameHello:
      f.number = view.getUint16(at)
      return
    case FrameCredit:
      f.total = getU64(view, at)
      return
    case FrameJoin:
      f.flags = view.getUint8(at)
      f.number = view.getUint32(at + 1)
      return
    case FrameHave:
      f.number = view.getUint32(at)
      return
    case FrameRefuse:
    case FrameUplink:
      f.flags = view.getUint8(at)
      return
    case FrameWantBody:
      f.offset = view.getUint32(at)
      f.length = view.getUint32(at + 4)
      return
    case FrameData:
      f.number = view.getUint32(at)
      f.offset = view.getUint32(at + 4)
      return
    case FrameBody:
      f.offset = view.getUint32(at)
      return
    case FrameTaken:
      f.total = getU64(view, at)
      f.flags = view.getUint8(at + 8)
      return
    case FrameGrant: {
      const n = (i: number) => Number(view.getBigInt64(at + 8 * i))
      f.grant = { epoch: n(0), term: n(1), seq: n(2), bytes_per_second: n(3), site: n(4), floor: n(5), valid_ms: view.getUint32(at + 48) }
      if (view.getUint8(at + 52) & grantLossy) f.grant.lossy = true
    }
  }
}

/** Whether every number is one that some content could have; what the version at hand allows is for its owner to check. */
function within(f: Frame): boolean {
  const size = f.payload?.length ?? 0
  const offset = f.offset ?? 0
  const number = f.number ?? 0
  switch (f.kind) {
    case FrameGrant: {
      const g = f.grant!
      const counts = [g.epoch, g.term, g.seq].every((n) => n >= 0 && n <= MaxNumber)
      return counts && [g.bytes_per_second, g.site, g.floor].every((n) => n >= -1 && n <= MaxNumber)
    }
    case FrameTaken:
      return f.total! <= MaxNumber
    case FrameJoin:
      return number <= MaxChunks
    case FrameHave:
      return size > 0 && size <= MaxHaveBytes && number % 8 === 0 && number + 8 * size <= MaxChunks
    case FrameWantBody:
      return f.length! > 0 && offset + f.length! <= MaxBodyBytes
    case FrameData:
      return size > 0 && size <= MaxDataBytes && number < MaxChunks && offset + size <= MaxChunkBytes
    case FrameBody:
      return size > 0 && size <= MaxDataBytes && offset + size <= MaxBodyBytes
  }
  return (f.chunks ?? []).every((c) => c < MaxChunks)
}

const digits = Array.from({ length: 256 }, (_, b) => b.toString(16).padStart(2, '0'))

/** Bytes as lower-case hexadecimal digits. */
export function hexOf(b: Uint8Array): string {
  let out = ''
  for (const x of b) out += digits[x]
  return out
}

function putHex(out: Uint8Array, at: number, hex: string): void {
  for (let i = 0; i < hex.length; i += 2) out[at + i / 2] = Number.parseInt(hex.slice(i, i + 2), 16)
}

function putU64(view: DataView, at: number, n: number): void {
  view.setUint32(at, Math.floor(n / 2 ** 32))
  view.setUint32(at + 4, n >>> 0)
}

/** Beyond 2^53 a number loses its last bits: still beyond every limit. */
function getU64(view: DataView, at: number): number {
  return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4)
}
