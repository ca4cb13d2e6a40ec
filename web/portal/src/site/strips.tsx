// Which chunks of a version each endpoint holds.

import { useState } from 'react'
import { api, body, usePolled, type Schemas } from '../api.ts'
import { count, share } from '../format.ts'
import { flowKey, useHeld, type Flow } from '../live.ts'
import { Answer } from '../parts/bits.tsx'
import { text } from '../text.ts'
import { pieces, whole } from './strip.ts'

/** How often it is asked who holds what, in milliseconds: while that changes, and otherwise. */
const busyEvery = 1500
const calmEvery = 15_000

const words = text.swarm
const high = 20 // of a strip, in its own units

export function Strips({ site, flows }: { site: string; flows: readonly Flow[] }) {
  const [chosen, choose] = useState('')
  const flow = flows.find((f) => flowKey(f) === chosen) ?? flows.find((f) => f.state === 'running') ?? flows[0]
  return (
    <section className="card">
      <div className="heading">
        <h2>{words.chunks}</h2>
        {flow && <label>{words.flow}<select value={flowKey(flow)} onChange={(e) => choose(e.target.value)}>{flows.map((f) => <option key={flowKey(f)} value={flowKey(f)}>{f.content}@{f.version}</option>)}</select></label>}
      </div>
      {flow === undefined ? <p className="soft">{words.noFlow}</p> : <Map key={flowKey(flow)} site={site} flow={flow} />}
    </section>
  )
}

function Map({ site, flow }: { site: string; flow: Flow }) {
  const asked = usePolled(`chunks ${site} ${flowKey(flow)}`, flow.state === 'complete' ? calmEvery : busyEvery,
    () => body(api.GET('/api/v1/sites/{name}/chunks', { params: { path: { name: site }, query: { content: flow.content, version: flow.version } } })))
  const held = useHeld()
  const [shown, show] = useState<Schemas['ChunkMap']>()
  if (!held && asked.data !== undefined && asked.data !== shown) show(asked.data)
  return (
    <Answer asked={{ ...asked, data: shown }}>
      {(map) => map.endpoints.length === 0 ? <p className="soft">{words.noStrip}</p> : (
        <>
          <ul className="strips" tabIndex={0} aria-label={words.chunks}>
            {map.endpoints.map((e) => {
              const percent = e.complete ? share(1, 1) : share(e.held, map.chunks)
              return (
                <li key={e.id}>
                  <span className="line" title={e.name}>{e.name}</span>
                  <svg viewBox={`0 0 ${map.buckets} ${high}`} preserveAspectRatio="none" role="img" aria-label={words.strip(e.name, percent, count(e.held), count(map.chunks))}>
                    <rect className="rest" width={map.buckets} height={high} />
                    {pieces(e.runs, map.buckets).map((p) => <rect key={p.x} className="peer" x={p.x} y={high - (high * p.level) / whole} width={p.width} height={(high * p.level) / whole} />)}
                  </svg>
                  <span className="figure">{percent}</span>
                </li>
              )
            })}
          </ul>
          {(map.more ?? 0) > 0 && <p className="soft">{words.moreStrips(map.more ?? 0)}</p>}
          <p className="soft hint">{words.strips}</p>
        </>
      )}
    </Answer>
  )
}
