import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { decode, encode } from './codec'
import { channelOf, encodeFrame, FrameError, hexOf, parseFrame, type Frame } from './frames'
import { readers, type Said } from './messages'
import { toBase64 } from './read'

interface Vector { name: string; input: string; want: string }

/** Reads a file that the tests in Go read, too. */
function vectors(file: string): Vector[] {
  const text = readFileSync(new URL(`../../signaling/wire/testdata/vectors/${file}`, import.meta.url), 'utf8')
  return text.split('\n\n').map((s) => s.trim()).filter((s) => !s.startsWith('#')).map((stanza) => {
    const [name, input, want] = stanza.split('\n')
    const expanded = input!.slice(1).trim().replace(/<<(\w+)\*(\d+)>>/g, (_, x: string, n: string) => x.repeat(Number(n)))
    return { name: name!, input: expanded, want: want! }
  })
}

/** What is for other endpoints, which a browser leaves out. */
const unread = /"(pins|copies|patch|reflectors|line)":/
/** What is refused for a name that a browser only compares. */
const compared = 'flows with a purge of a path'

/** A body without what is empty, which Go leaves out, and with bytes as text. */
function plain(body: unknown): unknown {
  const text = JSON.stringify(body, (_, v: unknown) => {
    if (v instanceof Uint8Array) return toBase64(v)
    return v === '' || v === 0 || v === false || (Array.isArray(v) && v.length === 0) ? undefined : v
  })
  return JSON.parse(text ?? 'null')
}

describe('messages', () => {
  it.each(vectors('messages.txt').filter((v) => !unread.test(v.input) && v.name !== compared))('$name', ({ input, want }) => {
    const kind = /^\{"type":"(\w+)"/.exec(input)?.[1]
    const refused = kind !== undefined && !Object.hasOwn(readers, kind) ? 'unknown_type' : want.startsWith('! ') ? want.slice(2) : ''
    if (refused) return expect(() => decode(input)).toThrow(expect.objectContaining({ code: refused }))
    const { kind: type, body, ...numbers } = decode(input)
    expect(plain({ ...numbers, type, body })).toEqual(plain(JSON.parse(want === '= same' ? input : want.slice(2))))
    const again = encode(type as keyof Said, numbers.id, numbers.ack, body as never)
    expect(decode(again)).toEqual({ kind: type, body, ...numbers })
  })

  it('that are for other endpoints are read without that', () => {
    for (const { input, want } of vectors('messages.txt').filter((v) => unread.test(v.input) && v.want.startsWith('='))) {
      const kind = /^\{"type":"(\w+)"/.exec(input)![1]!
      if (Object.hasOwn(readers, kind)) expect(JSON.stringify(decode(input)), want).not.toMatch(unread)
    }
  })
})

/** Writes a frame as the vectors do. */
function describeFrame(f: Frame): string {
  const out = [`channel=${channelOf(f.kind)}`]
  const add = (name: string, value: unknown, there: boolean) => there && out.push(`${name}=${value}`)
  add('version', f.version, !!f.version && !/^0*$/.test(f.version))
  add('flags', f.flags, !!f.flags)
  add('number', f.number, !!f.number)
  add('offset', f.offset, !!f.offset)
  add('length', f.length, !!f.length)
  add('total', f.total, !!f.total)
  add('chunks', f.chunks?.join(','), !!f.chunks?.length)
  const g = f.grant
  if (g) add('grant', [g.epoch, g.term, g.seq, g.bytes_per_second, g.site, g.floor, g.valid_ms, !!g.lossy].join(','), true)
  add('payload', hexOf(f.payload ?? new Uint8Array()), !!f.payload?.length)
  return out.join(' ')
}

describe('frames', () => {
  it.each(vectors('frames.txt'))('$name', ({ input, want }) => {
    const bytes = Uint8Array.from(input.replace(/ /g, '').match(/../g) ?? [], (h) => Number.parseInt(h, 16))
    let got: string
    try {
      const f = parseFrame(bytes)
      got = `= ${describeFrame(f)}`
      expect(hexOf(encodeFrame(f))).toBe(hexOf(bytes))
    } catch (e) {
      if (!(e instanceof FrameError)) throw e
      got = e.code === 'unknown_type' ? '! unknown' : '! bad'
    }
    expect(got).toBe(want)
  })

  it('is refused or understood, whatever comes', () => {
    let seed = 1
    const random = () => (seed = (seed * 48271) % 2147483647)
    for (let i = 0; i < 20000; i++) {
      const b = Uint8Array.from({ length: random() % 80 }, () => random() % 256)
      if (b.length > 0) b[0] = random() % 0x24
      try {
        expect(hexOf(encodeFrame(parseFrame(b))).length).toBe(2 * b.length)
      } catch (e) {
        if (!(e instanceof FrameError)) throw e
      }
    }
  })
})
