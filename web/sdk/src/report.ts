import type { Bits } from '../../wire/messages'
import { Bitmap } from './bitmap'
import { clip } from './encoding'
import type { Engine } from './engine'
import { active, type Flow } from './flow'
import { noBytes } from './store'

const progressEvery = 1000
const againEvery = 10_000

/** Sends a flow's progress when it is due; returns when it will be. */
export function report(e: Engine, now: number, f: Flow): number {
  if (!e.cfg.uplink.connected) return Infinity
  if (!f.dirty && active(f) && !f.complete && f.announced) {
    if (now < f.reportedAt + againEvery) return f.reportedAt + againEvery
    f.dirty = true
  }
  if (!f.dirty || (f.busy && !f.code)) return Infinity // the store knows the counters, once it is open
  if (f.announced && now < f.reportedAt + progressEvery) return f.reportedAt + progressEvery
  const { have, more } = f.swarm ? changes(f) : { have: [], more: false }
  const sent = e.cfg.uplink.send('progress', {
    flow: f.id, body: f.body !== undefined, seeding: f.wanted && !f.seeded, have, complete: f.complete, bytes: { ...(f.version?.bytes ?? noBytes()) },
    wan_bytes: f.version?.wan ?? 0, error: clip(f.trouble), code: f.code, leases: e.fetcher.states(f),
  })
  if (!sent) return Infinity
  Object.assign(f, { reportedAt: more ? -Infinity : now, announced: true, dirty: more })
  e.cfg.changed()
  return more ? now : Infinity
}

const maxHaveReport = 24 << 10

/** The parts of the bitmap that the server does not know yet, which are then known, and whether more are left. */
function changes(f: Flow): { have: Bits[]; more: boolean } {
  const held = f.swarm!.have.bytes
  const known = (f.reported ??= new Bitmap(f.swarm!.have.chunks)).bytes
  const have: Bits[] = []
  let budget = maxHaveReport
  for (let i = 0; i < held.length; i++) {
    if (held[i] === known[i]) continue
    let end = i + 1
    // Two unchanged bytes cost less than beginning another part.
    while (end < held.length && end - i < budget && (held[end] !== known[end] || (end + 1 < held.length && held[end + 1] !== known[end + 1]))) end++
    const bits = held.slice(i, end)
    have.push({ from: 8 * i, bits })
    known.set(bits, i)
    budget -= end - i + 32
    if (budget <= 0) return { have, more: true }
    i = end
  }
  return { have, more: false }
}
