import { describe, expect, it } from 'vitest'
import { canBe, parseAddress, parseCandidate, parseNetwork } from './candidate'

const at = (host: string, port = 40000, type = 'host') => `candidate:1 1 udp 2130706431 ${host} ${port} typ ${type}`

describe('candidates', () => {
  it.each([
    ['10.1.0.7', true], ['192.0.2.1', true], ['2001:db8::7', true], ['fd00::1', true], ['::ffff:10.1.0.7', true],
    ['127.0.0.1', false], ['::1', false], ['::ffff:127.0.0.1', false], ['0.0.0.0', false], ['169.254.1.1', false], ['224.0.0.1', false],
    ['255.255.255.255', false], ['fe80::1', false], ['ff02::1', false], ['::', false],
  ])('%s: a peer can be there: %s', (host, want) => {
    expect(canBe(parseCandidate(at(host))!, false, [])).toBe(want)
  })
  it('meets on one host only where the server is there, too', () => {
    expect(canBe(parseCandidate(at('127.0.0.1'))!, true, [])).toBe(true)
  })
  it('goes to no service', () => expect(canBe(parseCandidate(at('10.1.0.7', 53))!, false, [])).toBe(false))
  it('goes over no network but those of the site, or through a relay', () => {
    const on = [parseNetwork('10.1.0.0/16')!]
    expect(canBe(parseCandidate(at('10.1.0.7'))!, false, on)).toBe(true)
    expect(canBe(parseCandidate(at('10.2.0.7'))!, false, on)).toBe(false)
    expect(canBe(parseCandidate(at('10.2.0.7', 40000, 'relay'))!, false, on)).toBe(true)
  })
  it('knows names that only browsers resolve', () => {
    expect(parseCandidate(at('6f1c9f2e-7f3a-4c7e-9d5e-0a1b2c3d4e5f.local'))!.address).toBe(null)
  })
  it('passes over what is not used', () => {
    expect(parseCandidate('candidate:1 1 tcp 1 10.0.0.1 9 typ host tcptype active')).toBe(null)
    expect(parseCandidate('candidate:1 2 udp 1 10.0.0.1 40000 typ host')).toBe(null)
  })
  it.each(['', 'candidate:', at('example.com'), at('10.0.0.1', 99999).replace('typ', 'type'), at('x'.repeat(600))])('refuses %.40s', (text) => {
    expect(() => parseCandidate(text)).toThrow()
  })
  it.each(['1.2.3', '1.2.3.4.5', '01.2.3.4', ':::', '1::2::3', 'g::1', '1:2:3:4:5:6:7', '10.0.0.0/8'])('%s is no address', (s) => {
    expect(parseAddress(s)).toBe(null)
  })
})
