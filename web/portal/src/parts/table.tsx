// A table of any length: only the rows in sight are in the page. It is a real table, with
// the count of all rows told to who can't see the scroll bar.

import { useVirtualizer } from '@tanstack/react-virtual'
import { memo, useCallback, useLayoutEffect, useMemo, useRef, type ReactNode, type RefObject } from 'react'
import { text } from '../text.ts'

export interface Column<T> {
  id: string
  title: string
  cell: (row: T) => ReactNode
  /** What it is sorted by; without it, it can't be. */
  order?: (row: T) => string | number
  /** Figures stand at the right, in digits of one width. */
  figure?: boolean
  /** Left out where there is little room. */
  extra?: boolean
  width?: string
}

export interface Sort {
  by: string
  down: boolean
}

/** Rows in the order asked for; equals stay as they were. */
export function sorted<T>(rows: readonly T[], columns: Column<T>[], sort: Sort): readonly T[] {
  const order = columns.find((c) => c.id === sort.by)?.order
  if (order === undefined) return rows
  const sign = sort.down ? -1 : 1
  return rows.map((row) => ({ row, at: order(row) })).sort((a, b) => sign * (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)).map(({ row }) => row)
}

interface Props<T> {
  label: string
  rows: readonly T[]
  columns: Column<T>[]
  rowKey: (row: T) => string
  sort?: Sort
  onSort?: (sort: Sort) => void
  selected?: ReadonlySet<string>
  onSelect?: (selected: ReadonlySet<string>) => void
  /** Shown in place of rows where there are none. */
  empty: ReactNode
}

const rowHeight = 44 // pixels, as in theme.css
const many = 50 // rows: more than are in sight
const figureWidth = 104 // pixels: "12.3 Mbit/s" and "59 min 59 s" are not cut, whichever rows come first

/** Keeps columns as wide as the first rows made them: those that come by scrolling move nothing, and are laid out in a fraction of the time. */
function useSteady<T>(box: RefObject<HTMLDivElement | null>, columns: Column<T>[], on: boolean, sort: Sort | undefined): void {
  useLayoutEffect(() => {
    const at = box.current, table = at?.querySelector('table')
    if (!on || !at || !table) return
    const heads = [...table.querySelectorAll<HTMLElement>('thead th')]
    const own = heads.map((h) => h.style.width)
    const free = () => {
      table.style.tableLayout = ''
      heads.forEach((h, i) => { h.style.width = own[i]! })
    }
    let width = 0
    const size = new ResizeObserver(() => {
      if (at.clientWidth === width) return
      width = at.clientWidth
      free()
      const wide = heads.map((h) => Math.ceil(h.getBoundingClientRect().width))
      heads.forEach((h, i) => {
        const figure = columns[i - heads.length + columns.length]?.figure
        if (own[i] === '' && wide[i]! > 0) h.style.width = `${figure ? Math.max(wide[i]!, figureWidth) : wide[i]!}px`
      })
      table.style.tableLayout = 'fixed'
    })
    size.observe(at)
    return () => {
      size.disconnect()
      free()
    }
  }, [box, columns, on, sort?.by, sort?.down])
}

export function Table<T>(p: Props<T>) {
  const box = useRef<HTMLDivElement>(null)
  const rows = useVirtualizer({ count: p.rows.length, getScrollElement: () => box.current, estimateSize: () => rowHeight, overscan: 6 })
  useSteady(box, p.columns, p.rows.length > many, p.sort)
  const shown = rows.getVirtualItems()
  const latest = useRef(p)
  latest.current = p
  const pick = useCallback((key: string) => {
    const next = new Set(latest.current.selected)
    if (!next.delete(key)) next.add(key)
    latest.current.onSelect?.(next)
  }, [])
  const above = shown[0]?.start ?? 0
  const below = rows.getTotalSize() - (shown.at(-1)?.end ?? 0)
  if (p.rows.length === 0) return <div className="empty">{p.empty}</div>
  return (
    <div className="table" ref={box} tabIndex={0} role="region" aria-label={p.label}>
      <table aria-rowcount={p.rows.length + 1}>
        <Head {...p} />
        <tbody>
          {above > 0 && <tr aria-hidden="true" style={{ height: above }} />}
          {shown.map(({ index }) => {
            const row = p.rows[index]!, key = p.rowKey(row)
            return <Row key={key} id={key} row={row} index={index} columns={p.columns} picked={p.selected?.has(key)} pick={p.onSelect && pick} />
          })}
          {below > 0 && <tr aria-hidden="true" style={{ height: below }} />}
        </tbody>
      </table>
    </div>
  )
}

function Head<T>({ columns, rows, rowKey, sort, onSort, selected, onSelect }: Props<T>) {
  const all = useMemo(() => selected !== undefined && selected.size >= rows.length && rows.length > 0 && rows.every((row) => selected.has(rowKey(row))), [rows, rowKey, selected])
  return (
    <thead>
      <tr aria-rowindex={1}>
        {onSelect && (
          <th className="pick" scope="col">
            <input type="checkbox" aria-label={text.table.selectAll} checked={all} onChange={() => onSelect(new Set(all ? [] : rows.map(rowKey)))} />
          </th>
        )}
        {columns.map((c) => {
          const is = sort?.by === c.id
          return (
            <th key={c.id} scope="col" className={classes(c)} style={{ width: c.width }} aria-sort={is ? (sort.down ? 'descending' : 'ascending') : undefined}>
              {c.order && onSort
                ? <button type="button" className="sort" onClick={() => onSort({ by: c.id, down: is && !sort.down })}>{c.title}<span aria-hidden="true">{is ? (sort.down ? ' ↓' : ' ↑') : ''}</span></button>
                : c.title}
            </th>
          )
        })}
      </tr>
    </thead>
  )
}

interface Line<T> {
  id: string
  row: T
  index: number
  columns: Column<T>[]
  picked?: boolean
  pick?: (id: string) => void
}

/** A row is made anew only when what it shows is another. */
const Row = memo(function Row<T>({ id, row, index, columns, picked = false, pick }: Line<T>) {
  return (
    <tr aria-rowindex={index + 2} aria-selected={pick ? picked : undefined}>
      {pick && <td className="pick"><input type="checkbox" aria-label={text.table.select(id)} checked={picked} onChange={() => pick(id)} /></td>}
      {columns.map((c) => <td key={c.id} className={classes(c)}>{c.cell(row)}</td>)}
    </tr>
  )
}) as <T>(line: Line<T>) => ReactNode

function classes<T>(c: Column<T>): string {
  return [c.figure ? 'figure' : '', c.extra ? 'extra' : ''].join(' ').trim()
}
