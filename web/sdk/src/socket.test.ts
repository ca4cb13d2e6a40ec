import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Heard, Said } from '../../wire/messages'
import { Socket } from './socket'

const id = 'a'.repeat(32)

/** The server's end of the sockets that are opened. */
class Server {
  sockets: Fake[] = []
  tokens: string[] = []
  get now(): Fake {
    return this.sockets.at(-1)!
  }
}

class Fake {
  heard: { type: keyof Said; id: number; ack: number; body: Record<string, unknown> }[] = []
  onopen: (() => void) | null = null
  onmessage: ((e: { data: string }) => void) | null = null
  onclose: ((e: { reason: string }) => void) | null = null
  closed = false
  constructor(readonly protocols: string[]) {}
  send(text: string): void {
    this.heard.push(JSON.parse(text))
  }
  close(): void {
    this.closed = true
  }
  say<K extends keyof Heard>(type: K, id: number, ack: number, body: Heard[K]): void {
    this.onmessage?.({ data: JSON.stringify({ type, id, ack, body }) })
  }
  welcome(resumed: boolean, ack = 0): void {
    this.onopen?.()
    const now = new Date(Date.now() + 3_600_000).toISOString()
    this.say('welcome', 0, ack, { version: 1, session: 's1', resumed, epoch: 1, endpoint: id, site: 'shop', server_time: now, expires: new Date(Date.now() + 4_200_000).toISOString() })
  }
  break(reason = ''): void {
    this.onclose?.({ reason })
  }
}

describe('the control socket', () => {
  let server: Server
  let log: string[]
  let socket: Socket

  beforeEach(() => {
    vi.useFakeTimers()
    server = new Server()
    log = []
    let tokens = 0
    socket = new Socket({
      url: 'wss://server.example/api/v1/signal',
      token: async () => `t${++tokens}`,
      hello: () => ({ version: 1, device: 'browser' }),
      connected: (w) => log.push(w.resumed ? 'resumed' : 'connected'),
      disconnected: (why) => log.push(`disconnected ${why}`),
      heard: (m) => log.push(`${m.kind} ${m.id}`),
      open: (_, protocols) => {
        const fake = new Fake(protocols)
        server.sockets.push(fake)
        return fake as unknown as WebSocket
      },
    })
    socket.start()
  })
  afterEach(() => {
    socket.stop()
    vi.useRealTimers()
  })

  async function joined(): Promise<void> {
    await vi.advanceTimersByTimeAsync(0)
    server.now.welcome(false)
  }

  it('offers its token as a subprotocol, says hello, and learns the time', async () => {
    await joined()
    expect(server.now.protocols).toEqual(['sitecast', 'bearer.t1'])
    expect(server.now.heard[0]).toMatchObject({ type: 'hello', id: 0 })
    expect(log).toEqual(['connected'])
    expect(socket.now() - Date.now()).toBe(3_600_000)
  })

  it('acknowledges within five seconds', async () => {
    await joined()
    server.now.say('hang_up', 1, 0, { peer: id })
    await vi.advanceTimersByTimeAsync(5000)
    expect(server.now.heard.at(-1)).toMatchObject({ type: 'ack', ack: 1 })
  })

  it('repeats on a resumed socket what was not acknowledged, and hears nothing twice', async () => {
    await joined()
    const first = server.now
    socket.send('obeyed', { generation: 1 })
    socket.send('obeyed', { generation: 2 })
    first.say('hang_up', 1, 1, { peer: id })
    await vi.advanceTimersByTimeAsync(6000)
    first.break()
    await vi.advanceTimersByTimeAsync(1000)
    expect(server.sockets.length).toBe(2)
    server.now.welcome(true, 1)
    expect(server.now.heard.map((m) => m.id)).toEqual([0, 2])
    expect(server.now.heard[0]).toMatchObject({ ack: 1, body: { session: 's1' } })
    server.now.say('hang_up', 1, 2, { peer: id })
    server.now.say('hang_up', 2, 2, { peer: id })
    expect(log).toEqual(['connected', 'hang_up 1', 'disconnected the socket broke', 'resumed', 'hang_up 2'])
  })

  it('begins anew after a gap', async () => {
    await joined()
    server.now.say('hang_up', 2, 0, { peer: id })
    expect(log.at(-1)).toBe('disconnected protocol')
    await vi.advanceTimersByTimeAsync(1000)
    server.now.onopen?.()
    expect(server.now.heard[0]!.body.session).toBe('')
  })

  it('notices a dead path, after it asked whether anybody is there', async () => {
    await joined()
    socket.send('obeyed', { generation: 3 })
    const first = server.now
    await vi.advanceTimersByTimeAsync(9500)
    expect(first.heard.filter((m) => m.type === 'obeyed').length).toBe(2)
    await vi.advanceTimersByTimeAsync(9500)
    expect(first.closed).toBe(true)
  })

  it('renews its token when two thirds of its life are over', async () => {
    await joined()
    for (let t = 0; t < 405; t += 5) {
      await vi.advanceTimersByTimeAsync(5000)
      server.now.say('ack', 0, 0, undefined)
    }
    expect(server.now.heard.some((m) => m.type === 'renew')).toBe(true)
  })

  it('gets another token when the server wants none of the last', async () => {
    await joined()
    server.now.say('error', 0, 0, { code: 'unauthorized' })
    await vi.advanceTimersByTimeAsync(1000)
    expect(server.now.protocols[1]).toBe('bearer.t2')
  })

  it('stays away for a while when it is sent away', async () => {
    await joined()
    vi.spyOn(Math, 'random').mockReturnValue(0.99)
    server.now.say('error', 0, 0, { code: 'overloaded' })
    await vi.advanceTimersByTimeAsync(3000)
    expect(server.sockets.length).toBe(1)
    await vi.advanceTimersByTimeAsync(400)
    expect(server.sockets.length).toBe(2)
  })

  it('passes over a type that it does not know, and says so', async () => {
    await joined()
    server.now.onmessage?.({ data: '{"type":"sing","id":1,"body":{}}' })
    expect(server.now.heard.at(-1)).toMatchObject({ type: 'report', body: { code: 'unknown_type' } })
    server.now.say('hang_up', 2, 0, { peer: id })
    expect(log.at(-1)).toBe('hang_up 2')
  })
})
