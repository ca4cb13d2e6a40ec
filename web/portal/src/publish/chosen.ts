// Pure: what was chosen to be published, whether it can be, and how fast it goes.

import type { Entry } from './body.ts'
import { checkPaths, isPath } from '../../../sdk/src/body'

/** What storage/content accepts as names and versions. */
export const nameForm = '[A-Za-z0-9][A-Za-z0-9._\\-]{0,99}'
export const versionForm = '[A-Za-z0-9][A-Za-z0-9._+\\-]{0,99}'

export interface Chosen {
  kind: 'file' | 'tree'
  /** Of the file or folder. */
  title: string
  entries: Entry[]
  bytes: number
}

/** A file as a browser gives it. */
type Given = Blob & { name: string; webkitRelativePath?: string }

/** What was chosen: a file, or what lies in a folder. */
export function chosen(files: readonly Given[], folder: boolean): Chosen | undefined {
  if (files.length === 0) return undefined
  const bytes = files.reduce((n, f) => n + f.size, 0)
  const title = folder ? files[0]!.webkitRelativePath!.split('/')[0]! : files[0]!.name
  const entries = files.map((blob) => ({ path: folder ? blob.webkitRelativePath!.split('/').slice(1).join('/') : blob.name, blob }))
  return { kind: folder ? 'tree' : 'file', title, entries, bytes }
}

/** The first path that can't be the same on every endpoint; '' stands for two that can't lie side by side. */
export function refusedPath(c: Chosen): string | undefined {
  const bad = c.entries.find((e) => !isPath(e.path))
  if (bad) return bad.path
  try {
    checkPaths(c.entries.map((e) => e.path))
    return undefined
  } catch {
    return ''
  }
}

/** A suggestion of a name for content, from that of a file: till-app_2.1.tar.gz -> till-app. */
export function suggested(title: string): string {
  return title.toLowerCase().replace(/\.[a-z0-9]{1,5}$/, '').replace(/\.tar$/, '').replace(/[-_ ]v?\d[\w.+-]*$/, '').replace(/[^a-z0-9._-]+/g, '-').replace(/^[^a-z0-9]+|-+$/g, '')
}

export interface Sample { at: number; settled: number } // milliseconds, bytes

const span = 15_000 // milliseconds over which a rate is taken

/** Adds a sample, and drops those that are too old to count. */
export function sampled(all: readonly Sample[], now: Sample): Sample[] {
  const kept = all.filter((s, i) => now.at - s.at <= span || all[i + 1] !== undefined && now.at - all[i + 1]!.at < span)
  return [...kept, now]
}

/** Bits per second, and the seconds that are left; undefined while nobody can know. */
export function pace(samples: readonly Sample[], total: number): { bps: number; left: number } | undefined {
  const [first, last] = [samples[0], samples.at(-1)]
  if (!first || !last || last.at - first.at < 1000 || last.settled <= first.settled) return undefined
  const perSecond = ((last.settled - first.settled) * 1000) / (last.at - first.at)
  return { bps: 8 * perSecond, left: Math.max(0, total - last.settled) / perSecond }
}

/** A word of a shell, quoted where it needs that. */
export const quoted = (word: string): string => (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

/** The line that publishes the same from a terminal. */
export const publishLine = (path: string, name: string, version: string): string => `sitecast publish ${quoted(path || 'PATH')} --name ${quoted(name || 'NAME')} --version ${quoted(version || 'VERSION')}`
