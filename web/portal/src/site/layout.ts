// Where endpoints and their links are drawn. Places follow from names and networks alone, so
// nothing moves while figures do, and who comes and goes moves only its own network.

/** What is drawn. */
export interface Node {
  id: string
  name: string
  network: string
}

export interface Edge {
  a: string
  b: string
}

export interface Spot {
  id: string
  name: string
  /** How many endpoints it stands for, and which. */
  ids: readonly string[]
  network: string
  x: number
  y: number
  r: number
  label: { x: number; y: number; anchor: 'start' | 'middle' | 'end'; turn: number }
}

/** A network, as a ring of endpoints. */
export interface Ring {
  network: string
  count: number
  x: number
  y: number
}

/** A line between two spots; edges are those that it stands for. */
export interface Line {
  a: Spot
  b: Spot
  edges: readonly number[]
}

export interface Picture {
  width: number
  height: number
  origin: { x: number; y: number }
  spots: readonly Spot[]
  rings: readonly Ring[]
  lines: readonly Line[]
  /** Whether networks are drawn in place of endpoints, because there are many. */
  grouped: boolean
  /** Networks for which there is no place at all. */
  left: number
}

/** How many endpoints are drawn one by one. */
export const maxDrawn = { wide: 40, narrow: 20 }
/** How many networks are drawn. */
const maxNetworks = 24

const size = {
  wide: { width: 960, origin: 120, gap: 36 },
  narrow: { width: 280, origin: 90, gap: 20 },
}
const radius = { one: 11, many: 24 }
/** A ring with more than so many has its names turned, as there is no room beside each other. */
const turned = 12
const labelRoom = { wide: 92, narrow: 62 }
const apart = { level: 62, turned: 30 }

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Draws endpoints in rings, one for each network, with the WAN at the left, or above where it is narrow. */
export function layout(nodes: readonly Node[], edges: readonly Edge[], wide: boolean): Picture {
  const networks = byNetwork(nodes)
  const grouped = nodes.length > (wide ? maxDrawn.wide : maxDrawn.narrow)
  const rings = grouped ? [collapsed(networks.slice(0, maxNetworks))] : networks.map(([network, of]) => ring(network, of, wide))
  const shown = rings.filter((r) => r.spots.length > 0)
  const placed = shelve(shown, wide)
  const spots = placed.flatMap((p) => p.spots)
  return {
    ...frame(placed, wide), spots, grouped, left: grouped ? Math.max(networks.length - maxNetworks, 0) : 0, lines: linesOf(spots, edges),
    rings: grouped ? [] : placed.map((p) => ({ network: p.network, count: p.spots.length, x: p.x, y: p.y - p.reach + 12 })),
  }
}

/** Endpoints by network, the largest first; of one network by name and id. */
function byNetwork(nodes: readonly Node[]): [string, Node[]][] {
  const of = new Map<string, Node[]>()
  for (const n of nodes) of.set(n.network, [...(of.get(n.network) ?? []), n])
  for (const list of of.values()) list.sort((a, b) => order(a.name, b.name) || order(a.id, b.id))
  return [...of].sort(([a, x], [b, y]) => y.length - x.length || order(a, b))
}

interface Shape {
  network: string
  spots: Spot[] // around 0, 0
  reach: number // half of the square that it needs
}

function ring(network: string, of: readonly Node[], wide: boolean): Shape {
  const turns = of.length > turned
  const around = of.length === 1 ? 0 : Math.max(of.length * (turns ? apart.turned : apart.level) / (2 * Math.PI), wide ? 78 : 58)
  const spots = of.map((n, i) => spot(n.id, n.name, [n.id], network, radius.one, around, i, of.length, turns))
  return { network, spots, reach: around + (wide ? labelRoom.wide : labelRoom.narrow) }
}

/** Networks as a ring of their own. */
function collapsed(networks: readonly [string, Node[]][]): Shape {
  const n = networks.length
  const around = n === 1 ? 0 : Math.max((n * 76) / (2 * Math.PI), 90)
  const spots = networks.map(([network, of], i) => spot(`network ${network}`, network, of.map((e) => e.id), network, radius.many, around, i, n, n > turned))
  return { network: '', spots, reach: around + radius.many + labelRoom.narrow }
}

function spot(id: string, name: string, ids: readonly string[], network: string, r: number, around: number, i: number, n: number, turns: boolean): Spot {
  // The first is at the top; with two they are beside each other.
  const angle = (2 * Math.PI * i) / n + (n === 2 ? Math.PI : -Math.PI / 2)
  const [dx, dy] = n === 1 ? [0, 1] : [Math.cos(angle), Math.sin(angle)]
  const x = round(around * dx)
  const y = round(around * dy)
  return { id, name, ids, network, x, y, r, label: { ...labelAt(dx, dy, x, y, r, turns), turn: turns ? turnOf(angle) : 0 } }
}

function labelAt(dx: number, dy: number, x: number, y: number, r: number, turns: boolean): Omit<Spot['label'], 'turn'> {
  const away = r + 7
  if (turns) return { x: round(x + dx * away), y: round(y + dy * away), anchor: dx < -0.001 ? 'end' : 'start' }
  if (Math.abs(dx) < 0.3) return { x, y: round(y + (dy > 0 ? away + 12 : -away - 2)), anchor: 'middle' }
  return { x: round(x + Math.sign(dx) * away), y: round(y + dy * away + 4), anchor: dx < 0 ? 'end' : 'start' }
}

/** Names are read from left to right on both sides. */
function turnOf(angle: number): number {
  const degrees = (angle * 180) / Math.PI
  return round(Math.cos(angle) < -0.001 ? degrees + 180 : degrees)
}

const round = (n: number): number => Math.round(n * 10) / 10

type Placed = Shape & { x: number; y: number }

/** Puts shapes beside each other, and goes on below where a row is full. */
function shelve(shapes: readonly Shape[], wide: boolean): Placed[] {
  const { width, origin, gap } = wide ? size.wide : size.narrow
  const room = wide ? width - origin : width
  const out: Placed[] = []
  let [left, top, tall] = [0, 0, 0]
  for (const s of shapes) {
    const side = 2 * s.reach
    if (shapes.length === 1 && side < room) left = (room - side) / 2 // it has all the room
    if (left > 0 && left + side > room) [left, top, tall] = [0, top + tall + gap, 0]
    const [x, y] = [left + s.reach + (wide ? origin : 0), top + s.reach + (wide ? 0 : origin)]
    out.push({ ...s, x: round(x), y: round(y), spots: s.spots.map((p) => moved(p, x, y)) })
    left += side + gap
    tall = Math.max(tall, side)
  }
  return out
}

const moved = (p: Spot, x: number, y: number): Spot =>
  ({ ...p, x: round(p.x + x), y: round(p.y + y), label: { ...p.label, x: round(p.label.x + x), y: round(p.label.y + y) } })

function frame(placed: readonly Placed[], wide: boolean): Pick<Picture, 'width' | 'height' | 'origin'> {
  const s = wide ? size.wide : size.narrow
  const width = Math.max(s.width, ...placed.map((p) => p.x + p.reach))
  const height = Math.max(wide ? 200 : s.origin + 60, ...placed.map((p) => p.y + p.reach))
  return { width: round(width), height: round(height), origin: wide ? { x: 46, y: round(height / 2) } : { x: round(width / 2), y: 34 } }
}

/** Lines between spots; those of a group are one. A line within a group is not drawn. */
function linesOf(spots: readonly Spot[], edges: readonly Edge[]): Line[] {
  const at = new Map(spots.flatMap((s) => s.ids.map((id) => [id, s] as const)))
  const lines = new Map<string, { a: Spot; b: Spot; edges: number[] }>()
  edges.forEach((e, i) => {
    const [a, b] = [at.get(e.a), at.get(e.b)]
    if (a === undefined || b === undefined || a === b) return
    const [first, second] = order(a.id, b.id) <= 0 ? [a, b] : [b, a]
    const key = `${first.id}\n${second.id}`
    const line = lines.get(key) ?? { a: first, b: second, edges: [] }
    line.edges.push(i)
    lines.set(key, line)
  })
  return [...lines.values()]
}

/** The way between two spots, from rim to rim, a little to the right of who goes: so that both ways are seen. */
export function way(a: { x: number; y: number; r: number }, b: { x: number; y: number; r: number }, aside = 0): { x1: number; y1: number; x2: number; y2: number } {
  const [dx, dy] = [b.x - a.x, b.y - a.y]
  const long = Math.hypot(dx, dy) || 1
  const [ux, uy] = [dx / long, dy / long]
  return { x1: round(a.x + ux * a.r - uy * aside), y1: round(a.y + uy * a.r + ux * aside), x2: round(b.x - ux * b.r - uy * aside), y2: round(b.y - uy * b.r + ux * aside) }
}

/** How thick a line is that carries so many bits per second: a step for each factor of ten, from 100 kbit/s on. */
export const thickness = (bps: number): number => (bps <= 0 ? 0 : Math.min(Math.max(2 + Math.log10(bps / 1e5) * 1.3, 2), 7))
