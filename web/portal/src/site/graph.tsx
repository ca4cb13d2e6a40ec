// The swarm of a site: who is there, who is linked, who fetches, and what moves.

import { useEffect, useMemo, useRef, useState, type ReactNode } from 'react'
import { Link } from 'wouter'
import { rate } from '../format.ts'
import { useHeld } from '../live.ts'
import { Answer, moving } from '../parts/bits.tsx'
import { text } from '../text.ts'
import { layout, thickness, way, type Line, type Picture, type Spot } from './layout.ts'
import { keyOf, type Member, type Rates, type Swarm } from './swarm.ts'
import { SwarmTable } from './table.tsx'
import type { Seen } from './use.ts'

/** Below so many pixels the picture is a narrow one. */
const narrowBelow = 620

const words = text.swarm

export function SwarmCard({ seen, ill }: { seen: Seen; ill: ReadonlySet<string> }) {
  const [table, setTable] = useState(false)
  return (
    <section className="card">
      <div className="heading">
        <h2>{words.title}</h2>
        <button type="button" className="quiet" aria-pressed={table} onClick={() => setTable(!table)}>{table ? words.asPicture : words.asTable}</button>
      </div>
      <Answer asked={{ ...seen.asked, data: seen.swarm }}>
        {(swarm) => (swarm.endpoints.length === 0 ? <p className="soft">{words.none} {swarm.site}</p>
          : table ? <SwarmTable swarm={swarm} rates={seen.rates} /> : <Graph swarm={swarm} rates={seen.rates} ill={ill} />)}
      </Answer>
    </section>
  )
}

interface Props {
  swarm: Swarm
  rates: Rates
  ill: ReadonlySet<string>
}

/** What is said below the picture when nothing is pointed at. */
function sumOf(swarm: Swarm, rates: Rates): string {
  const up = swarm.links.filter((l) => l.up)
  let wan = 0
  let peers = 0
  for (const r of rates.endpoints.values()) [wan, peers] = [wan + r.wan, peers + r.peer + r.relay]
  const sum = words.sum(swarm.endpoints.length, up.length, up.filter((l) => l.relayed).length)
  return `${sum}; ${wan + peers > 0 ? words.moves(rate(wan), rate(peers)) : words.still}`
}

function Graph({ swarm, rates, ill }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const [wide, setWide] = useState(true)
  const [at, setAt] = useState('') // a spot or a line that is pointed at
  useEffect(() => {
    const size = new ResizeObserver(([entry]) => setWide((entry?.contentRect.width ?? narrowBelow) >= narrowBelow))
    size.observe(box.current!)
    return () => size.disconnect()
  }, [])
  const held = useHeld()
  const picture = usePicture(swarm, wide)
  const members = new Map(swarm.endpoints.map((e) => [e.id, e]))
  const sum = sumOf(swarm, rates)
  const said = at === '' ? undefined : saidOf(at, picture, swarm, rates, members)
  return (
    <div ref={box}>
      <svg className={held ? 'swarm still' : 'swarm'} viewBox={`0 0 ${picture.width} ${picture.height}`} role="group" aria-label={words.picture(sum)}>
        <g className={at === '' ? undefined : 'pointed'}>
          {picture.rings.length > 1 && picture.rings.map((r) => <text key={r.network} className="network" x={r.x} y={r.y}>{words.network(r.network)}</text>)}
          <Wans picture={picture} members={members} rates={rates} at={at} />
          {picture.lines.map((l) => <Way key={lineId(l)} line={l} swarm={swarm} rates={rates} at={at} point={setAt} />)}
          <g className="origin"><circle cx={picture.origin.x} cy={picture.origin.y} r={26} /><text x={picture.origin.x} y={picture.origin.y + 4}>{words.origin}</text></g>
          {picture.spots.map((s) => <Dot key={s.id} spot={s} members={members} rates={rates} ill={ill} on={at === s.id} point={setAt} />)}
        </g>
      </svg>
      <p className="swarm-said">{said ?? <>{sum}. <span className="soft">{words.point}</span></>}</p>
      {picture.grouped && <p className="soft">{words.grouped(swarm.endpoints.length)} {picture.left > 0 && words.left(picture.left)}</p>}
      <Legend />
    </div>
  )
}

/** The picture is drawn anew only when somebody came, went or was linked. */
function usePicture(swarm: Swarm, wide: boolean): Picture {
  const nodes = swarm.endpoints.map((e) => ({ id: e.id, name: e.name, network: e.network ?? '' }))
  const edges = swarm.links.map((l) => ({ a: swarm.endpoints[l.a]?.id ?? '', b: swarm.endpoints[l.b]?.id ?? '' }))
  const key = JSON.stringify([nodes, edges])
  // What it is made of is new each second; `key` says whether it is another.
  return useMemo(() => layout(nodes, edges, wide), [key, wide])
}

const lineId = (l: Line): string => `${l.a.id} ${l.b.id}`

/** A name that fits beside its circle. */
const short = (name: string): string => (name.length > 13 ? `${name.slice(0, 12)}…` : name)

/** What all that a spot stands for take. */
function takesOf(s: Spot, rates: Rates): { wan: number; peer: number; relay: number } {
  const sum = { wan: 0, peer: 0, relay: 0 }
  for (const id of s.ids) {
    const r = rates.endpoints.get(id)
    if (r) [sum.wan, sum.peer, sum.relay] = [sum.wan + r.wan, sum.peer + r.peer, sum.relay + r.relay]
  }
  return sum
}

/** The ways from the WAN to those who fetch. */
function Wans({ picture, members, rates, at }: { picture: Picture; members: ReadonlyMap<string, Member>; rates: Rates; at: string }) {
  return picture.spots.map((s) => {
    const { wan } = takesOf(s, rates)
    if (wan === 0 && !s.ids.some((id) => members.get(id)?.fetches)) return null
    const to = way({ ...picture.origin, r: 28 }, { ...s, r: s.r + 5 })
    return (
      <g key={s.id} className={at === s.id ? 'on' : undefined}>
        <line className="wan" {...to} strokeWidth={at === s.id ? 2.5 : 1.25} />
        {wan > 0 && <line className="flowing wan" {...to} strokeWidth={thickness(wan)} />}
      </g>
    )
  })
}

/** What the links carry that a line stands for, as drawn from its first end to its second. */
function carriesOf(line: Line, swarm: Swarm, rates: Rates): { there: number; back: number; up: number; relayed: number } {
  const sum = { there: 0, back: 0, up: 0, relayed: 0 }
  for (const i of line.edges) {
    const l = swarm.links[i]
    if (l === undefined || !l.up) continue
    const r = rates.links.get(keyOf(swarm, l))
    const same = line.a.ids.includes(swarm.endpoints[l.a]?.id ?? '')
    sum.up++
    if (l.relayed) sum.relayed++
    sum.there += (same ? r?.aToB : r?.bToA) ?? 0
    sum.back += (same ? r?.bToA : r?.aToB) ?? 0
  }
  return sum
}

function Way({ line, swarm, rates, at, point }: { line: Line; swarm: Swarm; rates: Rates; at: string; point: (id: string) => void }) {
  const { there, back, up, relayed } = carriesOf(line, swarm, rates)
  const both = there > 0 && back > 0
  const kind = up === 0 ? 'coming' : relayed === up ? 'relayed' : 'direct'
  const on = at === lineId(line) || at === line.a.id || at === line.b.id
  return (
    <g className={on ? 'on' : undefined} onPointerEnter={() => point(lineId(line))} onPointerLeave={() => point('')}>
      <line className="reach" {...way(line.a, line.b)} />
      <line className={`link ${kind}`} {...way(line.a, line.b)} />
      {there > 0 && <line className={`flowing ${kind}`} {...way(line.a, line.b, both ? 4 : 0)} strokeWidth={thickness(there)} />}
      {back > 0 && <line className={`flowing ${kind}`} {...way(line.b, line.a, both ? 4 : 0)} strokeWidth={thickness(back)} />}
    </g>
  )
}

function Dot({ spot: s, members, rates, ill, on, point }: { spot: Spot; members: ReadonlyMap<string, Member>; rates: Rates; ill: ReadonlySet<string>; on: boolean; point: (id: string) => void }) {
  const one = s.ids.length === 1 ? members.get(s.ids[0]!) : undefined
  const fetches = s.ids.some((id) => members.get(id)?.fetches)
  const sick = s.ids.some((id) => ill.has(id))
  const name = one?.name ?? words.network(s.network)
  const label = `${name}: ${stateOf(s, members, rates, sick)}`
  const turn = s.label.turn === 0 ? undefined : `rotate(${s.label.turn} ${s.label.x} ${s.label.y})`
  const drawn = (
    <>
      <title>{name}</title>
      <circle className="reach" cx={s.x} cy={s.y} r={Math.max(s.r, 14)} />
      {fetches && <circle className="fetcher" cx={s.x} cy={s.y} r={s.r + 5} />}
      <circle className={one?.kind === 'browser' ? 'node browser' : 'node'} cx={s.x} cy={s.y} r={s.r} />
      {fetches && one && <path className="arrow" d={`M${s.x - 4} ${s.y - 1}l4 5l4 -5M${s.x} ${s.y + 4}v-9`} />}
      {!one && <text className="count" x={s.x} y={s.y + 4}>{s.ids.length}</text>}
      {sick && <g className="ill"><circle cx={s.x + s.r * 0.8} cy={s.y - s.r * 0.8} r={7} /><text x={s.x + s.r * 0.8} y={s.y - s.r * 0.8 + 4}>!</text></g>}
      <text className="name" x={s.label.x} y={s.label.y} textAnchor={s.label.anchor} transform={turn}>{short(name)}</text>
    </>
  )
  const events = { onPointerEnter: () => point(s.id), onPointerLeave: () => point(''), onFocus: () => point(s.id), onBlur: () => point('') }
  if (one === undefined) return <g className={on ? 'spot on' : 'spot'} tabIndex={0} role="img" aria-label={label} {...events}>{drawn}</g>
  return <Link href={`/endpoints/${encodeURIComponent(one.id)}`} className={on ? 'spot on' : 'spot'} aria-label={label} {...events}>{drawn}</Link>
}

/** What a spot does, in words. */
function stateOf(s: Spot, members: ReadonlyMap<string, Member>, rates: Rates, sick = false): string {
  const { wan, peer, relay } = takesOf(s, rates)
  const parts = [s.ids.length > 1 ? words.count(s.ids.length) : '', s.ids.some((id) => members.get(id)?.fetches) ? words.fetches : '',
    wan + peer + relay > 0 ? words.takes(wan > 0 ? rate(wan) : '', peer > 0 ? rate(peer) : '', relay > 0 ? rate(relay) : '') : words.quiet, sick ? words.ill : '']
  return parts.filter((p) => p !== '').join('; ')
}

/** What is said of what is pointed at; undefined where it is gone. */
function saidOf(at: string, picture: Picture, swarm: Swarm, rates: Rates, members: ReadonlyMap<string, Member>): ReactNode {
  const spot = picture.spots.find((s) => s.id === at)
  if (spot) {
    const links = picture.lines.filter((l) => l.a === spot || l.b === spot)
    let gives = 0
    let up = 0
    for (const l of links) {
      const c = carriesOf(l, swarm, rates)
      gives += l.a === spot ? c.there : c.back
      up += c.up
    }
    const name = spot.ids.length === 1 ? members.get(spot.ids[0]!)?.name ?? spot.name : words.network(spot.network)
    return <><strong>{name}</strong> {stateOf(spot, members, rates)}; {words.links(up)}{gives > 0 && <>, {words.gives(rate(gives))}</>}</>
  }
  const line = picture.lines.find((l) => lineId(l) === at)
  if (line === undefined) return undefined
  const { there, back, up, relayed } = carriesOf(line, swarm, rates)
  const [a, b] = [line.a.name || words.network(''), line.b.name || words.network('')]
  return <><strong>{a} – {b}</strong> {line.edges.length > 1 && <>{words.links(line.edges.length)}, </>}{words.way(up > 0, up > 0 && relayed === up)}; {words.to(a, b, moving(there))}, {words.to(b, a, moving(back))}</>
}

function Legend() {
  const sample = (className: string) => <svg viewBox="0 0 34 12" className="swarm sample" aria-hidden="true"><line className={className} x1="2" y1="6" x2="32" y2="6" strokeWidth={className.startsWith('flowing') ? 4 : undefined} /></svg>
  return (
    <ul className="legend swarm-legend" aria-label={words.legend}>
      <li>{sample('link direct')}{words.direct}</li>
      <li>{sample('link relayed')}{words.relayed}</li>
      <li>{sample('link coming')}{words.coming}</li>
      <li>{sample('flowing direct')}{words.moving}</li>
      <li><svg viewBox="0 0 26 26" className="swarm sample round" aria-hidden="true"><circle className="fetcher" cx="13" cy="13" r="12" /><circle className="node" cx="13" cy="13" r="8" /><path className="arrow" d="M9 12l4 5l4 -5M13 17v-9" /></svg>{words.fetcher}</li>
      <li><svg viewBox="0 0 16 16" className="swarm sample round" aria-hidden="true"><g className="ill"><circle cx="8" cy="8" r="7" /><text x="8" y="12">!</text></g></svg>{words.ill}</li>
    </ul>
  )
}
