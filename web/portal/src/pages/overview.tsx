// How things stand, at a glance and as it happens.

import { useEffect, useRef, useState } from 'react'
import { Link } from 'wouter'
import { count, rate, share } from '../format.ts'
import { useOverview, type Overview as Sum } from '../live.ts'
import { Failure, Figure, Freshness } from '../parts/bits.tsx'
import { Events } from '../parts/events.tsx'
import { Guide } from '../parts/guide.tsx'
import { Rates, type Sample } from '../parts/rates.tsx'
import { Savings } from '../parts/savings.tsx'
import { text } from '../text.ts'

/** How many samples the chart keeps: ten minutes, of two a second at most. */
const maxSamples = 1200

export function Overview() {
  const { rows: [sum], link, error } = useOverview()
  return (
    <>
      <div className="heading"><h1>{text.overview.title}</h1><Freshness link={link} error={error} /></div>
      {error && <Failure error={error} />}
      {sum === undefined ? !error && <p className="soft" aria-busy="true">{text.loading}</p> : <Guide sum={sum}><Standing sum={sum} /></Guide>}
    </>
  )
}

function Standing({ sum }: { sum: Sum }) {
  const all = sum.wan_bps + sum.peer_bps
  return (
    <>
      <dl className="figures">
        <Figure label={text.overview.wan} value={rate(sum.wan_bps)} />
        <Figure label={text.overview.peers} value={rate(sum.peer_bps)} more={all > 0 ? `${share(sum.peer_bps, all)} ${text.overview.share}` : undefined} />
        <Figure label={text.overview.flows} value={count(sum.flows.running ?? 0)} more={states(sum.flows)} />
        <Figure label={text.overview.online} value={count(sum.endpoints_online)} more={text.overview.of(count(sum.endpoints))} />
      </dl>
      <section className="card">
        <h2>{text.overview.rates}</h2>
        <Rates samples={useSamples(sum)} />
      </section>
      <div className="columns">
        <Attention sum={sum} />
        <Savings />
        <Events />
      </div>
    </>
  )
}

const states = (flows: Record<string, number>): string =>
  Object.entries(flows).filter(([state, n]) => n > 0 && state !== 'running').map(([state, n]) => `${count(n)} ${(text.states[state] ?? state).toLowerCase()}`).join(', ')

/** What the rates were since the page was opened. The server sends them when they change; in between they hold. */
function useSamples(sum: Sum): readonly Sample[] {
  const [samples, setSamples] = useState<readonly Sample[]>([])
  const latest = useRef(sum)
  latest.current = sum
  useEffect(() => {
    const note = () => setSamples((was) => [...was.slice(1 - maxSamples), { at: Date.now() / 1000, wan: latest.current.wan_bps, peers: latest.current.peer_bps }])
    note()
    const timer = setInterval(note, 1000)
    return () => clearInterval(timer)
  }, [])
  return samples
}

function Attention({ sum }: { sum: Sum }) {
  return (
    <section className="card">
      <h2>{text.overview.attention}</h2>
      {sum.attention === null || sum.attention.length === 0 ? <p className="soft">{text.overview.nothing}</p> : (
        <ul className="list">
          {sum.attention.map((a) => (
            <li key={`${a.code} ${a.site} ${a.content} ${a.version} ${a.endpoint} ${a.text}`}>
              <span className={`badge ${a.code}`} aria-hidden="true" />
              <Link href={a.site ? `/sites/${encodeURIComponent(a.site)}` : '/endpoints'}>{a.text}</Link>
            </li>
          ))}
        </ul>
      )}
      {sum.attention_more ? <p className="soft">{text.overview.more(sum.attention_more)}</p> : null}
    </section>
  )
}

