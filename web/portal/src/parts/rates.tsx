// Rates over time: what crosses the WAN, and on top of it what stays at the sites. Beside
// the picture the same figures are there as a table.

import { useEffect, useRef, useState } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { rate } from '../format.ts'
import { text } from '../text.ts'

/** Rates at a time, in bits per second. */
export interface Sample {
  at: number // seconds since 1970
  wan: number
  peers: number
}

const height = 180
const span = 300 // seconds that the chart shows
const tableRows = 30

export function Rates({ samples }: { samples: readonly Sample[] }) {
  const [table, setTable] = useState(false)
  return (
    <>
      {table ? <Figures samples={samples} /> : <Chart samples={samples} />}
      <button type="button" className="quiet" onClick={() => setTable(!table)}>{table ? text.overview.asChart : text.overview.asTable}</button>
    </>
  )
}

const clock = (seconds: number): string => new Date(seconds * 1000).toLocaleTimeString('en-GB')

/** Stacked, the lower line last, so that it is drawn over the upper. */
const stacked = (samples: readonly Sample[]): uPlot.AlignedData =>
  [samples.map((s) => s.at), samples.map((s) => s.wan + s.peers), samples.map((s) => s.wan)]

function Chart({ samples }: { samples: readonly Sample[] }) {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  useEffect(() => {
    const at = box.current!
    const css = getComputedStyle(at)
    const color = (name: string) => css.getPropertyValue(name).trim()
    const axis = { stroke: color('--soft'), grid: { stroke: color('--line'), width: 1 }, ticks: { show: false }, font: '12px system-ui' }
    plot.current = new uPlot({
      width: at.clientWidth, height, legend: { show: false }, cursor: { y: false },
      scales: { x: { range: (_, __, max) => [(max ?? 0) - span, max ?? 0] }, y: { range: (_, __, max) => [0, Math.max(max, 1000)] } },
      axes: [{ ...axis, space: 90, values: (_, ticks) => ticks.map(clock) }, { ...axis, size: 84, values: (_, ticks) => ticks.map(rate) }],
      series: [
        {},
        { label: text.overview.peers, stroke: color('--peer'), fill: color('--peer-fill'), width: 1.5, points: { show: false } },
        { label: text.overview.wan, stroke: color('--origin'), fill: color('--origin-fill'), width: 1.5, points: { show: false } },
      ],
    }, [[], [], []], at)
    const size = new ResizeObserver(() => plot.current?.setSize({ width: at.clientWidth, height }))
    size.observe(at)
    return () => {
      size.disconnect()
      plot.current?.destroy()
    }
  }, [])
  useEffect(() => plot.current?.setData(stacked(samples)), [samples])
  const last = samples.at(-1)
  return (
    <>
      <div ref={box} className="chart" role="img" aria-label={last && `${text.overview.wan}: ${rate(last.wan)}. ${text.overview.peers}: ${rate(last.peers)}.`} />
      <p className="legend"><span className="swatch origin" />{text.overview.wan}<span className="swatch peer" />{text.overview.peers}</p>
    </>
  )
}

function Figures({ samples }: { samples: readonly Sample[] }) {
  return (
    <table className="plain">
      <thead><tr><th scope="col">{text.overview.time}</th><th scope="col" className="figure">{text.overview.wan}</th><th scope="col" className="figure">{text.overview.peers}</th></tr></thead>
      <tbody>
        {samples.slice(-tableRows).reverse().map((s) => (
          <tr key={s.at}><td>{clock(s.at)}</td><td className="figure">{rate(s.wan)}</td><td className="figure">{rate(s.peers)}</td></tr>
        ))}
      </tbody>
    </table>
  )
}
