import { describe, expect, test } from 'vitest'
import { done, guides, next, putAway, steps } from './guide.ts'

const sum = (s: Partial<Parameters<typeof done>[0]>) => ({ sites: 0, endpoints: 0, contents: 0, flows: {}, ...s })

/** A store of a browser. */
function store() {
  const kept = new Map<string, string>()
  return { getItem: (name: string) => kept.get(name) ?? null, setItem: (name: string, value: string) => void kept.set(name, value) }
}

describe('the first run', () => {
  test.each([
    [sum({}), [], 'site'],
    [sum({ sites: 1 }), ['site'], 'endpoint'],
    [sum({ sites: 1, contents: 1 }), ['site', 'publish'], 'endpoint'],
    [sum({ sites: 1, endpoints: 2, contents: 1 }), ['site', 'endpoint', 'publish'], 'distribute'],
    [sum({ sites: 1, endpoints: 2, contents: 1, flows: { running: 1, complete: 0 } }), ['site', 'endpoint', 'publish', 'distribute'], 'complete'],
    [sum({ sites: 1, endpoints: 2, contents: 1, flows: { complete: 1 } }), [...steps], undefined],
  ] as const)('%j', (is, want, then) => {
    expect([...done(is)]).toEqual(want)
    expect(next(done(is))).toBe(then)
  })
  test('is guided until the first flow is complete, or somebody puts the guide away', () => {
    const kept = store()
    expect(guides(sum({ sites: 1 }), kept)).toBe(true)
    expect(guides(sum({ flows: { complete: 1 } }), kept)).toBe(false)
    putAway(kept)
    expect(guides(sum({ sites: 1 }), kept)).toBe(false)
  })
})
