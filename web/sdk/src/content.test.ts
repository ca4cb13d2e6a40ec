import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Body } from './body'
import { fromBase64, sha256, toBase64 } from './encoding'
import { checkRoot, Trust } from './trust'

interface Vectors {
  root: string
  trust: { name: string; document: unknown; serial?: number; refused?: string }[]
  heads: { name: string; trust: string; head: unknown; now: string; id: string; refused?: string }[]
  bodies: { name: string; encoded: string; bytes: number; chunks: number; files?: string[]; spelled?: [number, number, number][]; refused?: boolean }[]
}

const vectors = JSON.parse(readFileSync(new URL('../../../storage/content/testdata/vectors.json', import.meta.url), 'utf8')) as Vectors
const root = fromBase64(vectors.root)

async function verdict(work: () => Promise<unknown>): Promise<string> {
  try {
    await work()
    return ''
  } catch (e) {
    return (e as { code?: string }).code ?? 'malformed'
  }
}

describe('trust documents', () => {
  it.each(vectors.trust)('$name', async ({ document, serial, refused }) => {
    expect(await verdict(async () => expect((await Trust.open(document, root)).serial).toBe(serial))).toBe(refused ?? '')
  })
})

describe('heads', () => {
  it.each(vectors.heads)('$name', async ({ trust, head, now, id, refused }) => {
    const t = await Trust.open(vectors.trust.find((v) => v.name === trust)!.document, root)
    expect(await verdict(async () => expect((await t.openHead(head, Date.parse(now))).id).toBe(id))).toBe(refused ?? '')
  })
})

describe('bodies', () => {
  it.each(vectors.bodies)('$name', ({ encoded, bytes, chunks, files, spelled, refused }) => {
    const raw = fromBase64(encoded)
    if (refused) return expect(() => Body.decode(raw)).toThrow()
    const b = Body.decode(raw)
    expect([b.bytes, b.chunks]).toEqual([bytes, chunks])
    expect(b.files.map((f) => `${f.path} ${f.size} ${f.executable} ${f.dir}`)).toEqual(files ?? [])
    expect([...b.spell(Math.floor(bytes / 2), bytes)].map((s) => [s.chunk, s.start, s.end])).toEqual(spelled ?? [])
  })

  it('are refused or understood, whatever comes', () => {
    const good = fromBase64(vectors.bodies[0]!.encoded)
    let seed = 7
    const random = () => (seed = (seed * 48271) % 2147483647)
    for (let i = 0; i < 5000; i++) {
      const b = good.slice(0, random() % 9 === 0 ? random() % good.length : good.length)
      for (let k = random() % 4; k >= 0; k--) if (b.length > 0) b[random() % b.length] = random() % 256
      try {
        const body = Body.decode(b)
        expect([...body.spell(0, body.bytes)].reduce((n, s) => n + s.end - s.start, 0)).toBe(body.bytes)
      } catch (e) {
        expect(e).toBeInstanceOf(Error)
      }
    }
  })
})

describe('the root key', () => {
  it('is known by its digest, in base64 or hexadecimal', async () => {
    const digest = await sha256(root)
    const hex = Array.from(digest, (b) => b.toString(16).padStart(2, '0')).join('')
    await checkRoot(root, `sha256-${toBase64(digest)}`)
    await checkRoot(root, `sha256-${hex}`)
    await expect(checkRoot(root, `sha256-${'0'.repeat(64)}`)).rejects.toThrow('trust')
  })
})
