import { expect, test } from 'vitest'
import { firstDays, inMoney, saving } from './savings.ts'

const row = {
  key: 'all', endpoints: 4, bytes_origin: 100, bytes_peer: 300, bytes_relay: 0, bytes_reused: 0, wan_bytes: 150, alone_bytes: 400, saved_bytes: 250, saved_share: 0.625, max_share: 0.75,
  money: [{ currency: 'EUR', spent: 1.5, saved: 2.5 }],
}

test('what was saved stands beside the most that could have been, also in money', () => {
  expect(saving(row)).toEqual({ bytes: 250, most: 300, share: 0.625, mostShare: 0.75, money: [{ currency: 'EUR', saved: 2.5, most: 3 }] })
})

test('where nothing was received nothing was saved', () => {
  expect(saving(undefined)).toEqual({ bytes: 0, most: 0, share: 0, mostShare: 0, money: [] })
  expect(saving({ ...row, saved_bytes: 0, money: [{ currency: 'EUR', spent: 1, saved: 0 }] }).money[0]).toEqual({ currency: 'EUR', saved: 0, most: 0 })
})

test('days are those of who looks', () => {
  expect(firstDays(new Date(2026, 10, 7, 0, 30))).toEqual({ today: '2026-11-07', month: '2026-11-01' })
  expect(inMoney('EUR', 1234.5)).toBe('€1,234.50')
})
