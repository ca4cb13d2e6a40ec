// What sharing saved, for a line: pure.

import type { Schemas } from './api.ts'

type Row = Schemas['ReportRow']

export interface Saving {
  bytes: number
  /** The most that could have been saved of the same deliveries. */
  most: number
  /** Of what would have crossed the WAN without sharing. */
  share: number
  mostShare: number
  money: { currency: string; saved: number; most: number }[]
}

/** What a report of all says; without one nothing was received. */
export function saving(row: Row | undefined): Saving {
  if (row === undefined) return { bytes: 0, most: 0, share: 0, mostShare: 0, money: [] }
  const most = row.max_share * row.alone_bytes
  return {
    bytes: row.saved_bytes, most, share: row.saved_share, mostShare: row.max_share,
    // Tariffs of sites differ: the most in money is as far above what was saved as the most in bytes.
    money: (row.money ?? []).map((m) => ({ currency: m.currency, saved: m.saved, most: row.saved_bytes > 0 ? (m.saved * most) / row.saved_bytes : 0 })),
  }
}

/** Money, with as many digits as its currency has. */
export const inMoney = (currency: string, amount: number): string => new Intl.NumberFormat('en', { style: 'currency', currency }).format(amount)

/** The first days of today and of this month, as reports name days: by the clock of who looks. */
export function firstDays(now: Date): { today: string; month: string } {
  const two = (n: number) => String(n).padStart(2, '0')
  const month = `${now.getFullYear()}-${two(now.getMonth() + 1)}`
  return { today: `${month}-${two(now.getDate())}`, month: `${month}-01` }
}
