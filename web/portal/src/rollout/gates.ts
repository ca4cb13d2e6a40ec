// Pure: which gates of a ring are met, as signaling/rollout decides it, and what a version is called that is gone back to.

import type { Schemas } from '../api.ts'
import { rate, share } from '../format.ts'
import { text } from '../text.ts'

type Ring = Schemas['RingView']

export interface Gate { met: boolean; text: string }

const t = text.rollout.gate

/** What has to be before the next ring opens, but for the time that it has to hold. */
export function gates(ring: Ring): Gate[] {
  const { endpoints, delivered, kiosks, activated, failed } = ring.seen
  const out = [{ met: endpoints > 0 && delivered * 100 >= ring.delivered_percent * endpoints, text: t.delivered(share(delivered, endpoints), ring.delivered_percent) }]
  if (kiosks > 0) {
    const tried = activated + failed
    out.push({ met: (tried > 0 || ring.failed_percent >= 100) && failed * 100 <= ring.failed_percent * tried, text: t.failed(share(failed, tried), ring.failed_percent) })
  }
  if (ring.wan_bps) out.push({ met: ring.seen.wan_bps <= ring.wan_bps, text: t.wan(rate(ring.seen.wan_bps), rate(ring.wan_bps)) })
  return out
}

/** Parts of a hundred: those that use it, those that have it and do not (yet), those where it failed. */
export function parts(seen: Ring['seen']): { activated: number; delivered: number; failed: number } {
  const of = (n: number) => (seen.endpoints > 0 ? (100 * n) / seen.endpoints : 0)
  const failed = Math.min(seen.failed + seen.stuck, seen.endpoints)
  const activated = Math.min(seen.activated, seen.endpoints - failed)
  return { activated: of(activated), delivered: of(Math.max(0, Math.min(seen.delivered, seen.endpoints - failed) - activated)), failed: of(failed) }
}

/** The halt gate as it is kept: 0 is never, and so is what stands for it in the catalog. */
export const halts = (percent: number): boolean => percent > 0 && percent <= 100

/** The name of the n-th version that is an old one again, as `sitecast rollback` gives it. */
export const backName = (old: string, n: number): string => `${old.split('+rollback.')[0]}+rollback.${n}`

/** The versions that can be gone back to, the newest first: those before the one that is rolled out. */
export const before = <T extends { version: string; serial: number }>(versions: readonly T[], version: string): T[] => {
  const at = versions.find((v) => v.version === version)
  return versions.filter((v) => v.version !== version && (at === undefined || v.serial < at.serial))
}
