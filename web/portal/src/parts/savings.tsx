// What sharing saved today and this month, beside the most that it could have.

import { Link } from 'wouter'
import { rows, usePolled } from '../api.ts'
import { size } from '../format.ts'
import { useNow } from '../now.ts'
import { firstDays, inMoney, saving, type Saving } from '../savings.ts'
import { text } from '../text.ts'
import { Answer } from './bits.tsx'

const again = 60_000 // milliseconds

export function Savings() {
  const { today, month } = firstDays(new Date(useNow(again)))
  return (
    <section className="card">
      <h2>{text.travel.savings}</h2>
      <dl className="savings">
        <Since from={today} label={text.travel.today} />
        <Since from={month} label={text.travel.month} />
      </dl>
      <p className="soft">{text.travel.savedWhat} <Link href="/reports">{text.travel.reports}</Link></p>
    </section>
  )
}

function Since({ from, label }: { from: string; label: string }) {
  const asked = usePolled(`savings ${from}`, again, () => rows('/api/v1/reports', { by: 'all', from }, 1))
  return (
    <div>
      <dt>{label}</dt>
      <Answer asked={asked}>{({ rows: [row] }) => <Saved of={saving(row)} />}</Answer>
    </div>
  )
}

const percent = (part: number): string => `${Math.round(100 * part)} %`

function Saved({ of }: { of: Saving }) {
  // What could have been is known of versions that came whole: while the first come it is behind what was saved.
  const most = of.most > 0 && of.most >= of.bytes
  const words = text.travel.saved(percent(of.share)) + (most ? text.travel.mostSaved(size(of.most), percent(of.mostShare)) : '')
  return (
    <>
      <dd className="saved">{size(of.bytes)}{of.money.map((m) => <span key={m.currency} className="money">{inMoney(m.currency, m.saved)}</span>)}</dd>
      <dd>
        <svg viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label={words}>
          <rect className="rest" width="100" height="8" />
          <rect className="most" width={100 * of.mostShare} height="8" />
          <rect className="peer" width={Math.max(0, 100 * of.share)} height="8" />
        </svg>
      </dd>
      <dd className="soft">{words}{most && of.money.map((m) => <span key={m.currency}>, {inMoney(m.currency, m.most)}</span>)}</dd>
    </>
  )
}
