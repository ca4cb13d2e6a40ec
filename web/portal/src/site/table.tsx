// The swarm as tables: all that its picture shows.

import { Link } from 'wouter'
import { moving } from '../parts/bits.tsx'
import { text } from '../text.ts'
import { keyOf, type Rates, type Swarm } from './swarm.ts'

const words = text.swarm
const heads = words.columns

export function SwarmTable({ swarm, rates }: { swarm: Swarm; rates: Rates }) {
  const name = (i: number) => swarm.endpoints[i]?.name ?? ''
  const carried = (bps?: number) => (bps === undefined ? words.unknown : moving(bps))
  return (
    <>
      <div className="wide short-table" tabIndex={0} role="region" aria-label={words.tableEndpoints}>
        <table className="plain">
          <caption>{words.tableEndpoints}</caption>
          <thead><tr><Head title={heads.name} /><Head title={heads.network} /><Head title={heads.fetches} /><Head title={heads.wan} figure /><Head title={heads.peer} figure /><Head title={heads.relay} figure /></tr></thead>
          <tbody>
            {[...swarm.endpoints].sort((a, b) => a.name.localeCompare(b.name)).map((e) => {
              const r = rates.endpoints.get(e.id)
              return (
                <tr key={e.id}>
                  <th scope="row"><Link href={`/endpoints/${encodeURIComponent(e.id)}`}>{e.name}</Link></th><td>{words.network(e.network ?? '')}</td><td>{e.fetches ? words.yes : words.no}</td>
                  <td className="figure">{moving(r?.wan ?? 0)}</td><td className="figure">{moving(r?.peer ?? 0)}</td><td className="figure">{moving(r?.relay ?? 0)}</td>
                </tr>
              )
            })}
          </tbody>
        </table>
      </div>
      <div className="wide short-table" tabIndex={0} role="region" aria-label={words.tableLinks}>
        <table className="plain">
          <caption>{words.tableLinks}</caption>
          <thead><tr><Head title={heads.a} /><Head title={heads.b} /><Head title={heads.way} /><Head title={heads.aToB} figure /><Head title={heads.bToA} figure /></tr></thead>
          <tbody>
            {swarm.links.map((l) => {
              const key = keyOf(swarm, l)
              const r = rates.links.get(key)
              return (
                <tr key={key}>
                  <th scope="row">{name(l.a)}</th><td>{name(l.b)}</td><td>{words.way(l.up, l.relayed ?? false)}</td>
                  <td className="figure">{l.up ? carried(r?.aToB) : words.nothing}</td><td className="figure">{l.up ? carried(r?.bToA) : words.nothing}</td>
                </tr>
              )
            })}
          </tbody>
        </table>
      </div>
    </>
  )
}

const Head = ({ title, figure }: { title: string; figure?: boolean }) => <th scope="col" className={figure ? 'figure' : undefined}>{title}</th>
