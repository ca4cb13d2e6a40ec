import { describe, expect, test } from 'vitest'
import { known, zoned, zones } from './zone.ts'

describe('times of a site', () => {
  const at = '2026-03-01T12:00:00Z'
  test('are in its zone, with the viewer’s beside them', () => {
    expect(zoned(at, 'America/New_York', 'Europe/Paris')).toEqual({ text: '1 Mar 2026, 07:00:00 GMT-5', title: '1 Mar 2026, 13:00:00 (Europe/Paris)' })
  })
  test('say one thing where both clocks agree, whatever the zones are called', () => {
    expect(zoned(at, 'Europe/Berlin', 'Europe/Paris')).toEqual({ text: '1 Mar 2026, 13:00:00' })
  })
  test('follow the summer time of the day they are of', () => {
    expect(zoned('2026-03-15T12:00:00Z', 'America/New_York', 'Europe/Paris').text).toBe('15 Mar 2026, 08:00:00 GMT-4')
  })
  test.each([[undefined], [''], ['Mars/Olympus']])('are the viewer’s without a zone: %s', (zone) => {
    expect(zoned(at, zone, 'UTC')).toEqual({ text: '1 Mar 2026, 12:00:00' })
  })
  test.each([[undefined], [''], ['0001-01-01T00:00:00Z']])('that never were: %s', (never) => {
    expect(zoned(never, 'UTC', 'UTC')).toEqual({ text: '–' })
  })
})

test('zones to choose from are known', () => {
  expect(zones().slice(0, 1)).toEqual(['UTC'])
  expect(zones()).toContain('Europe/Paris')
  expect(known('Europe/Paris')).toBe(true)
  expect(known('Mars/Olympus')).toBe(false)
})
