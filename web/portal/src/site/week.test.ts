import { describe, expect, it } from 'vitest'
import { between, bitsOf, capWord, hourNow, painted, parseWeek, rateWord, step, weekHours, WeekError, windowWord, writeWeek, type Week } from './week.ts'

const caps = (text: string) => parseWeek(text, capWord, 'none')
const windows = (text: string) => parseWeek(text, windowWord, 'closed')
const hours = (week: Week, value: string) => week.flatMap((v, h) => (v === value ? [h] : []))

describe('a week', () => {
  it('is read as the server reads it: the first rule that covers an hour counts', () => {
    const week = caps('mon-fri 08:00-18:00 2Mbit; mon 2000kbit; * none')
    expect(week).toHaveLength(weekHours)
    expect(week[8]).toBe('2mbit')
    expect(week[0]).toBe('2mbit')
    expect(week[24]).toBe('none')
    expect(hours(week, '2mbit')).toHaveLength(24 + 4 * 10)
  })
  it('has hours that end the next day, also on Monday', () => {
    const week = windows('sun 22:00-06:00 open; * closed')
    expect(hours(week, 'open')).toEqual([0, 1, 2, 3, 4, 5, 166, 167])
  })
  it('has days that go around the end of the week', () => expect(hours(windows('sat-mon open; * closed'), 'open')).toHaveLength(72))
  it('is the same all week where nothing is said', () => expect(new Set(caps(''))).toEqual(new Set(['none'])))
  it('refuses what the server refuses, and says what is wrong', () => {
    for (const bad of ['mon 2mbit', 'fun open', '* 08:30-09:00 none', '* 08:00-08:00 none', '24:00-03:00 none', '* 2', 'mon tue wed none', '08:00-09:00 mon none', 'mon-tue,mon-sun none', 'mon-tue-wed none', '* 4bit', `${'mon none;'.repeat(97)}* none`]) {
      expect(() => caps(bad), bad).toThrow(WeekError)
    }
    expect(() => windows('* 2mbit')).toThrow(WeekError)
    expect(() => caps('mon 2mbit')).toThrow(/tue 00:00.*\* none/)
  })
  it('is written so that it is read as the same', () => {
    for (const text of ['* none', 'mon-fri 08:00-18:00 2mbit; * none', 'mon-fri 08:00-18:00 2mbit; sat,sun 0bit; * none', 'mon,wed,fri-sun 00:00-05:00 1.5mbit; * 10mbit']) expect(caps(writeWeek(caps(text)))).toEqual(caps(text))
    expect(writeWeek(caps('* none; mon 1mbit'))).toBe('* none')
    expect(writeWeek(caps('tue-thu 08:00-18:00 2mbit; sun 1kbit; * none'))).toBe('tue-thu 08:00-18:00 2mbit; sun 1kbit; * none')
    expect(writeWeek(windows('* 22:00-06:00 open; * closed'))).toBe('* 22:00-06:00 open; * closed')
    expect(writeWeek(windows('mon-fri 22:00-06:00 open; * closed'))).toBe('mon-fri 22:00-06:00 open; * closed')
    expect(writeWeek(windows('mon 22:00-24:00 open; wed 00:00-03:00 open; * closed'))).toBe('mon 22:00-24:00 open; wed 00:00-03:00 open; * closed')
  })
  it('survives any painting', () => {
    let week: Week = caps('')
    let seed = 7
    const random = (n: number) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n
    for (let i = 0; i < 200; i++) {
      week = painted(week, between(random(weekHours), random(weekHours)), ['none', '1mbit', '0bit'][random(3)]!)
      expect(caps(writeWeek(week))).toEqual(week)
    }
  })
})

describe('rates', () => {
  it('are read and written as the server does', () => {
    expect(['5mbit', '1.5mbit', '0bit', '2gbit/s', '12bit'].map(bitsOf)).toEqual([5e6, 15e5, 0, 2e9, 12])
    expect([5e6, 15e5, 0, 2e9, 12].map(rateWord)).toEqual(['5mbit', '1500kbit', '0bit', '2gbit', '12bit'])
    expect(['none', '5', 'mbit', '4bit', '-1mbit'].map(bitsOf)).toEqual([undefined, undefined, undefined, undefined, undefined])
  })
})

describe('the hour that it is', () => {
  it('is that of the zone, or of UTC', () => {
    const sunday = new Date('2026-11-29T23:30:00Z')
    expect(hourNow(sunday, undefined)).toBe(6 * 24 + 23)
    expect(hourNow(sunday, 'Europe/Berlin')).toBe(0)
    expect(hourNow(new Date('2026-11-30T00:10:00Z'), 'UTC')).toBe(0)
  })
})

describe('keys', () => {
  it('lead to the hour beside, and not out of the week', () => {
    expect(step(0, 'ArrowRight')).toBe(1)
    expect(step(0, 'ArrowDown')).toBe(24)
    expect(step(0, 'ArrowLeft')).toBeUndefined()
    expect(step(23, 'ArrowRight')).toBeUndefined()
    expect(step(167, 'ArrowDown')).toBeUndefined()
    expect([step(30, 'Home'), step(30, 'End'), step(30, 'x')]).toEqual([24, 47, undefined])
  })
  it('and drags paint what is between', () => expect(between(25, 2)).toEqual([1, 2, 25, 26]))
})
