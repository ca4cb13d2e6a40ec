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
  constructor(readonly code: 'unknown_type' | 'protocol') {
    super(code)
  }
}

/** A number of a frame, or of the grant in it, and how many bytes it takes; -8: with a sign. */
type Field = readonly [name: string, bytes: 1 | 2 | 4 | 8 | -8]

interface Layout {
  version?: true // 16 bytes of version id
  fixed?: readonly Field[]
  rest?: 'chunks' | 'payload' // u32 numbers, or at least one byte, to the end
}

const version = true
const flags: Field = ['flags', 1]
const number: Field = ['number', 4]
const offset: Field = ['offset', 4]
const layouts: Record<number, Layout> = {
  [FrameHello]: { fixed: [['number', 2]] },
  [FrameCredit]: { fixed: [['total', 8]] },
  [FrameJoin]: { version, fixed: [flags, number] },
  [FrameLeave]: { version },
  [FrameHave]: { version, fixed: [number], rest: 'payload' },
  [FrameHaveList]: { version, rest: 'chunks' },
  [FrameWant]: { version, rest: 'chunks' },
  [FrameCancel]: { version, rest: 'chunks' },
  [FrameRefuse]: { version, fixed: [flags], rest: 'chunks' },
  [FrameHaveBody]: { version },
  [FrameWantBody]: { version, fixed: [offset, ['length', 4]] },
  [FrameUplink]: { fixed: [flags] },
  [FrameGrant]: { fixed: [['epoch', -8], ['term', -8], ['seq', -8], ['bytes_per_second', -8], ['site', -8], ['floor', -8], ['valid_ms', 4], flags] },
  [FrameTaken]: { fixed: [['total', 8], flags] },
  [FrameData]: { version, fixed: [number, offset], rest: 'payload' },
  [FrameBody]: { version, fixed: [offset], rest: 'payload' },
}

const grantLossy = 1

/** The channel that frames of a kind travel on. */
export function channelOf(kind: number): number {
  return kind >= FrameData ? ChannelBulk : ChannelCtl
}

/** Where the fixed fields of a frame begin, and where they end. */
function bounds(l: Layout): [number, number] {
  const at = l.version ? 17 : 1
  return [at, (l.fixed ?? []).reduce((end, [, bytes]) => end + Math.abs(bytes), at)]
}

/** Encodes what it is given: the limits are the caller's to keep and the receiver's to check. */
export function encodeFrame(f: Frame): Uint8Array<ArrayBuffer> {
  const l = layouts[f.kind]!
  let [at, end] = bounds(l)
  const out = new Uint8Array(end + 4 * (f.chunks?.length ?? 0) + (f.payload?.length ?? 0))
  const view = new DataView(out.buffer)
  out[0] = f.kind
  if (l.version) for (let i = 0; i < 16; i++) out[1 + i] = Number.parseInt(f.version!.slice(2 * i, 2 * i + 2), 16)
  const values = { flags: f.grant?.lossy ? grantLossy : 0, ...f, ...f.grant } as unknown as Record<string, number>
  for (const [name, bytes] of l.fixed ?? []) {
    const n = values[name] ?? 0
    if (bytes === 1) view.setUint8(at, n)
    else if (bytes === 2) view.setUint16(at, n)
    else if (bytes === 4) view.setUint32(at, n)
    else view.setBigInt64(at, BigInt(n))
    at += Math.abs(bytes)
  }
  for (const [i, c] of (f.chunks ?? []).entries()) view.setUint32(end + 4 * i, c)
  if (f.payload) out.set(f.payload, end)
  return out
}

/** Decodes one frame, or throws a {@link FrameError}. Only lists take memory, MaxListed numbers at most. */
export function parseFrame(b: Uint8Array): Frame {
  const kind = b[0] ?? 0
  const l = layouts[kind]
  if (b.length === 0 || b.length > MaxFrameBytes) throw new FrameError('protocol')
  if (!l) throw new FrameError('unknown_type')
  let [at, end] = bounds(l)
  if (b.length < end || (b.length > end && !l.rest)) throw new FrameError('protocol')
  const view = new DataView(b.buffer, b.byteOffset, b.byteLength)
  const values: Record<string, number> = {}
  for (const [name, bytes] of l.fixed ?? []) {
    if (bytes === 1) values[name] = view.getUint8(at)
    else if (bytes === 2) values[name] = view.getUint16(at)
    else if (bytes === 4) values[name] = view.getUint32(at)
    else values[name] = Number(bytes === 8 ? view.getBigUint64(at) : view.getBigInt64(at)) // beyond 2^53 it is beyond every limit
    at += Math.abs(bytes)
  }
  const f: Frame = { kind }
  if (l.version) f.version = hexOf(b.subarray(1, 17))
  if (kind === FrameGrant) {
    const { flags, ...grant } = values
    f.grant = grant as unknown as Frame['grant']
    if (flags! & grantLossy) f.grant!.lossy = true
  } else {
    Object.assign(f, values)
  }
  const rest = b.subarray(end)
  if (l.rest === 'payload') f.payload = rest
  if (l.rest === 'chunks') {
    if (rest.length % 4 !== 0 || rest.length / 4 > MaxListed) throw new FrameError('protocol')
    f.chunks = Array.from({ length: rest.length / 4 }, (_, i) => view.getUint32(end + 4 * i))
  }
  if (!within(f)) throw new FrameError('protocol')
  return f
}

/** Whether every number is one that some content could have; what the version at hand allows is for its owner to check. */
function within(f: Frame): boolean {
  const { kind, number = 0, offset = 0, length = 0, total = 0, chunks = [], grant: g } = f
  const size = f.payload?.length ?? 0
  switch (kind) {
    case FrameGrant:
      return Math.min(g!.epoch, g!.term, g!.seq) >= 0 && Math.min(g!.bytes_per_second, g!.site, g!.floor) >= -1 && Object.values(g!).every((n) => Number(n) <= MaxNumber)
    case FrameTaken:
      return total <= MaxNumber
    case FrameJoin:
      return number <= MaxChunks
    case FrameHave:
      return size > 0 && size <= MaxHaveBytes && number % 8 === 0 && number + 8 * size <= MaxChunks
    case FrameWantBody:
      return length > 0 && offset + length <= MaxBodyBytes
    case FrameData:
      return size > 0 && size <= MaxDataBytes && number < MaxChunks && offset + size <= MaxChunkBytes
    case FrameBody:
      return size > 0 && size <= MaxDataBytes && offset + size <= MaxBodyBytes
  }
  return chunks.every((c) => c < MaxChunks)
}

const digits = Array.from({ length: 256 }, (_, b) => b.toString(16).padStart(2, '0'))

/** Bytes as lower-case hexadecimal digits. */
export function hexOf(b: Uint8Array): string {
  let out = ''
  for (const x of b) out += digits[x]
  return out
}
