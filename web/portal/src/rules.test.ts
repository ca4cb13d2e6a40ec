import { describe, expect, test } from 'vitest'
import { about, bySetting, does, ends, obeyed, where, type Rule, type SettingKey } from './rules.ts'

const rule = (r: Partial<Rule>): Rule => ({ kind: 'pause', generation: 7, by: 'ann', created: '2026-03-01T12:00:00Z', ...r })

describe('a rule', () => {
  test.each([
    [{}, 'Everything, everywhere'], [{ site: 'shop-1' }, 'Everything at shop-1'], [{ content: 'app' }, 'app, everywhere'],
    [{ content: 'app', version: '2', site: 'shop-1' }, 'app@2 at shop-1'],
  ])('is about %j', (which, want) => expect(about(which)).toBe(want))
  test.each([
    [{ kind: 'pause' }, 'Paused'], [{ kind: 'priority', priority: 'high' }, 'Priority: high'], [{ kind: 'cap', cap_bytes_per_second: 625_000 }, 'Capped: 5.00 Mbit/s'],
    [{ kind: 'cap' }, 'Capped: 0 bit/s'], [{ kind: 'later' }, 'later'],
  ])('does %j', (r, want) => expect(does(rule(r))).toBe(want))
  test('that purged does not end', () => expect([ends(rule({ kind: 'purge' })), ends(rule({}))]).toEqual([false, true]))
  test('is obeyed by those who confirmed, a block by those who deleted it', () => {
    expect(obeyed(rule({ effect: { sites: 1, endpoints: 4, confirmed: 3, pending: 1 } }), [])).toBe('3 of 4 endpoints obey')
    expect(obeyed(rule({ effect: { sites: 0, endpoints: 0, confirmed: 0, pending: 0 } }), [])).toBe('')
    const block = { ...rule({ kind: 'block' }), gone: 2, holding: 1, offline: 5 }
    expect(obeyed(rule({ kind: 'block' }), [{ ...block, generation: 8, gone: 9 }, block])).toBe('gone from 2, still at 1, 5 offline')
  })
})

describe('settings', () => {
  const key = (name: string): SettingKey => ({ key: name, type: 'rate', of: 'site', levels: ['organisation', 'tag', 'site'], default: 'none', bounds: '', help: '' })
  test('are listed with all that is said of each, the widest level first', () => {
    const got = bySetting([key('wan_cap'), key('relay')], [
      { level: 'site', subject: 'b', key: 'wan_cap', value: '1mbit' }, { level: 'site', subject: 'a', key: 'wan_cap', value: '2mbit' },
      { level: 'organisation', key: 'wan_cap', value: '9mbit' }, { level: 'tag', subject: 'slow', key: 'wan_cap', value: '3mbit' },
    ])
    expect(got.map(({ key: k, said }) => [k.key, said.map((s) => s.value)])).toEqual([['wan_cap', ['9mbit', '3mbit', '2mbit', '1mbit']], ['relay', []]])
  })
  test.each([['organisation', undefined, 'everywhere'], ['site', 'shop-1', 'site shop-1'], ['tag', 'slow', 'tag slow']])('%s %s', (level, subject, want) => {
    expect(where(level, subject)).toBe(want)
  })
})
