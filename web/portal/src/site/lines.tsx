// What the site takes over its lines to the WAN, what their governors allow, and by how much
// packets of others are later for it.

import { useEffect, useRef, useState } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { rate } from '../format.ts'
import { text } from '../text.ts'
import type { Moment } from './history.ts'
import type { Swarm } from './swarm.ts'
import type { Seen } from './use.ts'

const height = 200
const span = 300 // seconds that the chart shows
const tableRows = 60

const words = text.swarm
const clock = (seconds: number): string => new Date(seconds * 1000).toLocaleTimeString('en-GB')

export function Lines({ seen }: { seen: Seen }) {
  const [table, setTable] = useState(false)
  const [chosen, choose] = useState('')
  const egresses = [...seen.histories.keys()]
  const egress = egresses.includes(chosen) ? chosen : egresses.find((e) => seen.swarm?.lines.some((l) => l.egress === e && (l.state ?? '') !== '')) ?? egresses[0]
  const moments = egress === undefined ? [] : seen.histories.get(egress) ?? []
  return (
    <section className="card">
      <div className="heading">
        <h2>{words.wan}</h2>
        {egresses.length > 1 && <label>{words.choose}<select value={egress} onChange={(e) => choose(e.target.value)}>{egresses.map((e) => <option key={e} value={e}>{words.line(e)}</option>)}</select></label>}
        {egress !== undefined && <button type="button" className="quiet" aria-pressed={table} onClick={() => setTable(!table)}>{table ? text.overview.asChart : text.overview.asTable}</button>}
      </div>
      {egress === undefined ? <p className="soft">{words.noLine}</p> : (
        <>
          {table ? <Figures moments={moments} /> : <Chart moments={moments} />}
          <About line={seen.swarm?.lines.find((l) => l.egress === egress)} />
        </>
      )}
    </section>
  )
}

function About({ line }: { line?: Swarm['lines'][number] }) {
  if (line === undefined) return null
  const parts = [line.holder && words.holder(line.holder), line.capacity_bps > 0 && words.carries(rate(line.capacity_bps)), line.bound_bps >= 0 && words.bound(rate(line.bound_bps)), line.state && words.state(line.state, line.reason ?? '')]
  return <p className="soft hint">{parts.filter(Boolean).join('; ')}</p>
}

const data = (moments: readonly Moment[]): uPlot.AlignedData =>
  [moments.map((m) => m.at), moments.map((m) => m.wan), moments.map((m) => m.allowed), moments.map((m) => m.delay)]

function Chart({ moments }: { moments: readonly Moment[] }) {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  useEffect(() => {
    const at = box.current!
    const css = getComputedStyle(at)
    const color = (name: string) => css.getPropertyValue(name).trim()
    const axis = { stroke: color('--soft'), grid: { stroke: color('--line'), width: 1 }, ticks: { show: false }, font: '12px system-ui' }
    plot.current = new uPlot({
      width: at.clientWidth, height, legend: { show: false }, cursor: { y: false },
      scales: {
        x: { range: (_, __, max) => [(max ?? 0) - span, max ?? 0] },
        y: { range: (_, __, max) => [0, Math.max(max ?? 0, 1000)] },
        ms: { range: (_, __, max) => [0, Math.max(max ?? 0, 10)] },
      },
      axes: [{ ...axis, space: 90, values: (_, ticks) => ticks.map(clock) }, { ...axis, size: 84, values: (_, ticks) => ticks.map(rate) },
        { ...axis, scale: 'ms', side: 1, size: 56, grid: { show: false }, values: (_, ticks) => ticks.map(words.ms) }],
      series: [
        {},
        { label: words.rate, stroke: color('--origin'), fill: color('--origin-fill'), width: 1.5, points: { show: false } },
        { label: words.allowed, stroke: color('--ink'), width: 1.5, dash: [6, 4], points: { show: false } },
        { label: words.delay, stroke: color('--relay'), width: 1.5, dash: [2, 3], scale: 'ms', points: { show: true, size: 4, fill: color('--relay') } },
      ],
    }, [[], [], [], []], at)
    const size = new ResizeObserver(() => plot.current?.setSize({ width: at.clientWidth, height }))
    size.observe(at)
    return () => {
      size.disconnect()
      plot.current?.destroy()
    }
  }, [])
  useEffect(() => plot.current?.setData(data(moments)), [moments])
  const last = moments.at(-1)
  return (
    <>
      <div ref={box} className="chart" role="img" aria-label={last && said(last)} />
      <p className="legend"><span className="swatch origin" />{words.rate}<Dash className="allowed" />{words.allowed}<Dash className="delay" />{words.delay}</p>
      <p className="soft hint">{words.delayNote}</p>
    </>
  )
}

const Dash = ({ className }: { className: string }) => <svg viewBox="0 0 24 8" className={`swarm-dash ${className}`} aria-hidden="true"><line x1="0" y1="4" x2="24" y2="4" /></svg>

const delayed = (m: Moment): string => (m.delay === null ? words.nothing : words.ms(m.delay))
const allowed = (m: Moment): string => (m.allowed === null ? words.nothing : rate(m.allowed))
const said = (m: Moment): string => `${words.rate}: ${rate(m.wan)}. ${words.allowed}: ${allowed(m)}. ${words.delay}: ${delayed(m)}.`

function Figures({ moments }: { moments: readonly Moment[] }) {
  return (
    <div className="wide short-table" tabIndex={0} role="region" aria-label={words.wan}>
      <table className="plain">
        <thead><tr><th scope="col">{words.time}</th><th scope="col" className="figure">{words.rate}</th><th scope="col" className="figure">{words.allowed}</th><th scope="col" className="figure">{words.delay}</th></tr></thead>
        <tbody>
          {moments.slice(-tableRows).reverse().map((m) => <tr key={m.at}><td>{clock(m.at)}</td><td className="figure">{rate(m.wan)}</td><td className="figure">{allowed(m)}</td><td className="figure">{delayed(m)}</td></tr>)}
        </tbody>
      </table>
    </div>
  )
}
