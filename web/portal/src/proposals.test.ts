import { describe, expect, test } from 'vitest'
import { says, type Proposal } from './proposals.ts'

const proposal = (d: Partial<Proposal['distribution']>, activation?: Proposal['activation']): Proposal => ({
  id: 1, by: 'ann', person: 'ann', created: '2026-03-01T12:00:00Z', activation,
  distribution: { id: 0, name: 'app', version: '2', serial: 2, priority: 'normal', created: '2026-03-01T12:00:00Z', rollout: {}, ...d } as Proposal['distribution'],
})

describe('a proposal says', () => {
  test('to whom it goes, and how', () => {
    expect(says(proposal({ all: true, priority: 'high', ready_by: '2026-03-02T05:00:00Z', activate: 'hold' }), 'UTC')).toEqual({
      what: 'Distribute app@2', how: ['to all sites, also later ones', 'priority high', 'ready by 2 Mar 2026, 05:00:00 (UTC)', 'not used until it is activated'],
    })
  })
  test('that it is of a query, in rings', () => {
    const rings = [{ name: 'canary' }, { name: 'rest' }] as Proposal['distribution']['rings']
    expect(says(proposal({ target: 'tag:shop', rings })).how).toEqual(['to sites that are tag:shop', 'in rings: canary, rest', 'priority normal'])
  })
  test('that it rolls another back', () => expect(says(proposal({ replaces: 7 })).how).toContain('rolls back distribution 7'))
  test('that a version shall be used', () => {
    expect(says(proposal({}, {}))).toEqual({ what: 'Use app@2 wherever it is distributed', how: ['used as soon as it is there'] })
    expect(says(proposal({}, { activate: 'at', activate_at: '2026-03-02T05:00:00Z' }), 'UTC').how).toEqual(['used from 2 Mar 2026, 05:00:00 (UTC) on'])
  })
})
