// The swarm of a site, asked for again and again while its page is open.

import { useEffect, useState } from 'react'
import { api, body, usePolled, type Asked } from '../api.ts'
import { useHeld } from '../live.ts'
import { noted, type Histories } from './history.ts'
import { look, ratesOf, type Rates, type Swarm } from './swarm.ts'

/** How often it is asked for, in milliseconds; less often where an answer is long. */
const every = 1000
const everyOfMany = 3000
const many = 100

export interface Seen {
  asked: Asked<Swarm>
  swarm?: Swarm
  rates: Rates
  histories: Histories
}

const blank = { kept: [] as readonly Swarm[], rates: ratesOf([]), histories: new Map() as Histories }

export function useSwarm(site: string): Seen {
  const [seen, setSeen] = useState(blank)
  const held = useHeld()
  const size = seen.kept.at(-1)?.endpoints.length ?? 0
  const asked = usePolled(`swarm ${site}`, size > many ? everyOfMany : every, () => body(api.GET('/api/v1/sites/{name}/swarm', { params: { path: { name: site } } })))
  useEffect(() => {
    const next = asked.data
    if (next === undefined || held) return
    setSeen((was) => {
      const kept = look(was.kept, next)
      const rates = ratesOf(kept)
      return { kept, rates, histories: noted(was.histories, next, rates) }
    })
  }, [asked.data, held])
  return { asked, swarm: seen.kept.at(-1), rates: seen.rates, histories: seen.histories }
}
