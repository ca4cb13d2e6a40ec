import { describe, expect, it, vi } from 'vitest'
import { connect, events, list, Refusal } from './index.ts'

/** A server that gives these answers one after the other, and notes what it was asked. */
function answering(...answers: Response[]) {
  const asked: Request[] = []
  const server = {
    baseUrl: 'https://sitecast.example',
    token: 'sca1.x',
    fetch: (async (to: URL | Request, how?: RequestInit) => {
      asked.push(new Request(to, how))
      return answers.shift() ?? new Response('{"status":404,"title":"Not Found","code":"not_found","hint":"look"}', { status: 404 })
    }) as typeof fetch,
  }
  return { server, asked }
}

const json = (value: unknown, headers: Record<string, string> = {}) => new Response(JSON.stringify(value), { headers: { 'Content-Type': 'application/json', ...headers } })

describe('connect', () => {
  it('proves who asks, and gives each change a key', async () => {
    const { server, asked } = answering(json({ name: 'shop' }), json({ name: 'shop' }), json([]))
    const api = connect(server)
    await api.POST('/api/v1/sites', { body: { name: 'shop' } })
    await api.PATCH('/api/v1/sites/{name}', { params: { path: { name: 'shop' } }, body: {} })
    await api.GET('/api/v1/sites')
    const keys = asked.map((r) => r.headers.get('Idempotency-Key'))
    expect(keys[0]).toMatch(/^"[0-9a-f-]{36}"$/)
    expect(keys[1]).not.toBe(keys[0])
    expect(keys[2]).toBeNull()
    expect(asked.map((r) => r.headers.get('Authorization'))).toEqual(['Bearer sca1.x', 'Bearer sca1.x', 'Bearer sca1.x'])
    expect(asked[1]!.url).toBe('https://sitecast.example/api/v1/sites/shop')
  })
})

describe('connect, where one server takes over from another', () => {
  const standby = () => new Response('{"status":503,"title":"Service Unavailable","code":"standby"}', { status: 503, headers: { 'Retry-After': '1' } })

  it('sends a change again with its key', async () => {
    vi.useFakeTimers()
    const { server, asked } = answering(standby(), standby(), json({ name: 'shop' }))
    const answer = connect(server).POST('/api/v1/sites', { body: { name: 'shop' } })
    await vi.runAllTimersAsync()
    expect((await answer).data?.name).toBe('shop')
    expect(new Set(asked.map((r) => r.headers.get('Idempotency-Key'))).size).toBe(1)
    expect(await Promise.all(asked.map((r) => r.json()))).toEqual([{ name: 'shop' }, { name: 'shop' }, { name: 'shop' }])
    vi.useRealTimers()
  })

  it('gives up in the end', async () => {
    vi.useFakeTimers()
    const { server, asked } = answering(...Array.from({ length: 7 }, standby))
    const answer = connect(server).GET('/api/v1/sites')
    await vi.runAllTimersAsync()
    expect((await answer).error?.code).toBe('standby')
    expect(asked.length).toBe(6)
    vi.useRealTimers()
  })
})

describe('list', () => {
  it('follows the pages', async () => {
    const { server, asked } = answering(json([{ name: 'a' }], { Link: '</api/v1/sites?after=a&limit=1>; rel="next"' }), json([{ name: 'b' }]))
    const names = []
    for await (const site of list(server, '/api/v1/sites', { limit: 1 })) names.push(site.name)
    expect(names).toEqual(['a', 'b'])
    expect(asked.map((r) => r.url)).toEqual(['https://sitecast.example/api/v1/sites?limit=1', 'https://sitecast.example/api/v1/sites?after=a&limit=1'])
  })

  it('throws what the server refuses', async () => {
    const { server } = answering()
    const first = list(server, '/api/v1/flows').next()
    await expect(first).rejects.toBeInstanceOf(Refusal)
    await expect(first).rejects.toMatchObject({ code: 'not_found', hint: 'look', status: 404 })
  })
})

describe('events', () => {
  it('reads them, and comes back where it was cut off', async () => {
    const stream = (text: string) => new Response(text, { headers: { 'Content-Type': 'text/event-stream' } })
    const { server, asked } = answering(
      stream('retry: 2000\n\nevent: reset\ndata: {"view":"flows","reason":"begin"}\n\nevent: change\nid: 1.4\ndata: {"view":"flows","set":[{"site":"shop"}]}\n\n: all is well\n\nevent: cha'),
      stream('event: change\nid: 1.5\ndata: {"view":"flows","gone":["shop/app@1"]}\n\n'),
    )
    const stop = new AbortController()
    const seen = []
    for await (const event of events(server, { view: 'flows', signal: stop.signal })) {
      seen.push(event)
      if (seen.length === 3) stop.abort()
    }
    expect(seen.map((e) => e.kind)).toEqual(['reset', 'change', 'change'])
    expect(seen[1]!.data).toEqual({ view: 'flows', set: [{ site: 'shop' }] })
    expect(asked.map((r) => r.headers.get('Last-Event-ID'))).toEqual([null, '1.4'])
  })

  it('throws what the server refuses', async () => {
    const { server } = answering()
    await expect(events(server, { view: 'flows', site: 'nowhere' }).next()).rejects.toBeInstanceOf(Refusal)
  })
})
