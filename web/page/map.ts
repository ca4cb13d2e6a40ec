import type { PeerInfo, Source } from '../sdk/src/index'

const svg = 'http://www.w3.org/2000/svg'
const byId = (id: string) => document.getElementById(id)!
const shown = 16 // peers that are drawn
const dotTime = 900 // milliseconds that a dot takes
const bytesPerDot = 192 << 10
const frameTime = 30 // milliseconds: more frames would take from the processor what the download needs
const maxDots = 90
const server = { x: 0, y: -140 }

interface Line {
  path: SVGPathElement
  length: number // of the path: to ask for it takes time
  x: number
  y: number
  bytes: Record<'in' | 'out', number> // drawn so far
  waiting: Record<'in' | 'out', number>
  kind: string
}

interface Node extends Line {
  group: SVGGElement
}

interface Dot {
  circle: SVGCircleElement
  line: Line
  out: boolean
  began: number
}

/** Draws this browser, its peers and the server, and what moves between them. */
export class SwarmMap {
  private readonly nodes = new Map<string, Node>()
  private readonly origin: Line
  private dots: Dot[] = []
  private placed = '' // for which peers
  private drawn = 0 // when the last frame was
  private readonly still = matchMedia('(prefers-reduced-motion: reduce)')

  constructor() {
    const uplink = path('uplink', server.x, server.y)
    this.origin = { path: uplink, length: uplink.getTotalLength(), ...server, bytes: { in: -1, out: 0 }, waiting: { in: 0, out: 0 }, kind: 'origin' }
    requestAnimationFrame((t) => this.frame(t))
  }

  show(peers: readonly PeerInfo[], bytes: Record<Source, number>, share: number, complete: boolean): void {
    const ring = byId('ring')
    ring.classList.toggle('begun', share > 0)
    ring.style.strokeDasharray = `${100 * share} 100`
    const drawn = peers.slice(0, shown)
    const ids = new Set(drawn.map((p) => p.id))
    for (const [id, n] of this.nodes) if (!ids.has(id)) this.remove(id, n)
    for (const p of drawn) if (!this.nodes.has(p.id)) this.nodes.set(p.id, node(p))
    if (this.placed !== [...ids].join()) this.place()
    this.placed = [...ids].join()
    for (const p of drawn) {
      const n = this.nodes.get(p.id)!
      const moved = this.flow(n, 'in', p.received) + this.flow(n, 'out', p.served)
      for (const e of [n.group, n.path]) {
        e.classList.toggle('live', moved > 0)
        e.classList.toggle('relayed', p.relayed)
      }
      n.kind = p.relayed ? 'relay' : 'peer'
    }
    const fetched = this.flow(this.origin, 'in', bytes.origin)
    for (const e of [byId('server'), this.origin.path]) e.classList.toggle('live', fetched > 0 && !complete)
  }

  /** Takes in how many bytes a line has carried in all; what is new becomes dots. */
  private flow(line: Line, way: 'in' | 'out', bytes: number): number {
    const fresh = line.bytes[way] < 0 ? 0 : Math.max(0, bytes - line.bytes[way])
    line.bytes[way] = bytes
    line.waiting[way] = Math.min(line.waiting[way] + fresh / bytesPerDot, 8)
    return fresh
  }

  /** Peers stand around on the lower three quarters, in the order in which they came. */
  private place(): void {
    const n = this.nodes.size
    let i = 0
    for (const node of this.nodes.values()) {
      const angle = Math.PI * (-0.16 + 1.32 * ((i + 0.5) / n))
      node.x = 250 * Math.cos(Math.PI - angle)
      node.y = 20 + 140 * Math.sin(Math.PI - angle)
      node.group.setAttribute('transform', `translate(${node.x} ${node.y})`)
      node.path.setAttribute('d', curve(node.x, node.y))
      node.length = node.path.getTotalLength()
      i++
    }
  }

  private remove(id: string, n: Node): void {
    this.nodes.delete(id)
    n.path.remove()
    n.group.classList.add('gone')
    setTimeout(() => n.group.remove(), 600)
    this.dots = this.dots.filter((d) => d.line !== n || (d.circle.remove(), false))
  }

  private frame(t: number): void {
    requestAnimationFrame((next) => this.frame(next))
    if (this.still.matches || t - this.drawn < frameTime) return
    this.drawn = t
    for (const line of [this.origin, ...this.nodes.values()]) {
      for (const way of ['in', 'out'] as const) {
        if (line.waiting[way] < 1 || this.dots.length >= maxDots || Math.random() > 0.5) continue
        line.waiting[way]--
        this.dots.push({ circle: dot(way === 'in' ? line.kind : 'served'), line, out: way === 'out', began: t })
      }
    }
    this.dots = this.dots.filter((d) => {
      const share = (t - d.began) / dotTime
      if (share >= 1) {
        d.circle.remove()
        return false
      }
      const eased = share < 0.5 ? 2 * share * share : 1 - 2 * (1 - share) ** 2
      const at = d.line.path.getPointAtLength(d.line.length * (d.out ? 1 - eased : eased))
      d.circle.setAttribute('cx', String(at.x))
      d.circle.setAttribute('cy', String(at.y))
      d.circle.setAttribute('opacity', String(Math.sin(Math.PI * share)))
      return true
    })
  }
}

function element<K extends 'path' | 'circle' | 'g' | 'text'>(name: K, parent: Element, attributes: Record<string, string>): SVGElementTagNameMap[K] {
  const e = document.createElementNS(svg, name)
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v)
  parent.append(e)
  return e
}

/** From a place outside to the ring of this browser, a little bent. */
function curve(x: number, y: number): string {
  const far = Math.hypot(x, y) || 1
  const [ex, ey] = [(x / far) * 60, (y / far) * 60]
  return `M${x} ${y}Q${x * 0.55} ${y * 0.3 + ey * 0.5} ${ex} ${ey}`
}

function path(kind: string, x: number, y: number): SVGPathElement {
  return element('path', byId('links'), { class: kind, d: curve(x, y) })
}

function dot(kind: string): SVGCircleElement {
  return element('circle', byId('dots'), { class: kind, r: '3.2', opacity: '0' })
}

function node(p: PeerInfo): Node {
  const group = element('g', byId('peers'), { class: 'peer-node' })
  element('circle', group, { r: '13' })
  element('text', group, { y: '3' }).textContent = p.id.slice(0, 3)
  return { group, path: path('link', 0, 0), length: 0, x: 0, y: 0, bytes: { in: p.received, out: p.served }, waiting: { in: 0, out: 0 }, kind: 'peer' }
}
