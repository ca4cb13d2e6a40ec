// The hours of a week, each with a value, as the settings wan_cap_hours and windows have them:
// read from text, painted hour by hour, and written again. The grammar is that of
// storage/policy/week.go: rules with ";" between them, "DAYS HOURS VALUE", of which the first
// counts that covers an hour.

export const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export const weekHours = 7 * 24

/** The value of each hour from Monday midnight on. */
export type Week = readonly string[]

/** What can't be read, in words. */
export class WeekError extends Error {}

/** How many rules the server takes, and how long a text. */
export const maxRules = 96
export const maxText = 2048

/** Checks a value, and returns it as it is kept; undefined where it is none. */
export type Kept = (word: string) => string | undefined

export const windowWord: Kept = (word) => (word === 'open' || word === 'closed' ? word : undefined)

const units: [string, number][] = [['gbit', 1e9], ['mbit', 1e6], ['kbit', 1e3], ['bit', 1]]

/** Bits per second of a rate such as 5mbit; undefined for none, and for what is no rate. */
export function bitsOf(word: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?)(g|m|k)?bit(?:\/s)?$/.exec(word)
  if (found === null) return undefined
  const n = Number(found[1]) * (units.find(([u]) => u === `${found[2] ?? ''}bit`)?.[1] ?? 1)
  return n === 0 || n >= 8 ? Math.round(n) : undefined
}

/** A rate as it is written: in the largest unit of which it is a multiple. */
export function rateWord(bits: number): string {
  const [unit, n] = units.find(([, of]) => bits !== 0 && bits % of === 0) ?? ['bit', 1]
  return `${bits / n}${unit}`
}

export const capWord: Kept = (word) => {
  if (word === 'none') return word
  const bits = bitsOf(word)
  return bits === undefined ? undefined : rateWord(bits)
}

/** Reads a week. A text that is empty is the same all week. */
export function parseWeek(text: string, kept: Kept, rest: string): Week {
  const week: (string | undefined)[] = Array.from({ length: weekHours })
  const rules = text.toLowerCase().split(';').map((rule) => rule.trim().split(/\s+/).join(' ')).filter((rule) => rule !== '')
  if (rules.length > maxRules) throw new WeekError(`${rules.length} rules, and at most ${maxRules} are taken`)
  for (const rule of rules) {
    const { hours, value } = parseRule(rule, kept)
    for (const h of hours) week[h] ??= value
  }
  if (rules.length === 0) return week.map(() => rest)
  const bare = week.findIndex((v) => v === undefined)
  if (bare >= 0) throw new WeekError(`Nothing is said of ${days[Math.floor(bare / 24)]} ${clock(bare % 24)}: end with “; * ${rest}”`)
  return week as string[]
}

function parseRule(rule: string, kept: Kept): { hours: number[]; value: string } {
  const fields = rule.split(' ')
  const word = fields.pop()!
  const value = kept(word)
  if (value === undefined || fields.length > 2) throw new WeekError(`“${rule}” is not a rule such as “mon-fri 08:00-18:00 2mbit” or “* none”`)
  let on: readonly number[] = [0, 1, 2, 3, 4, 5, 6]
  let [from, to] = [0, 24]
  if (fields.length > 0 && !fields[0]!.includes(':')) on = parseDays(fields.shift()!)
  if (fields.length > 0) [from, to] = parseHours(fields.shift()!)
  if (fields.length > 0) throw new WeekError(`“${rule}”: the days come before the hours`)
  return { value, hours: on.flatMap((d) => Array.from({ length: to - from }, (_, i) => (24 * d + from + i) % weekHours)) }
}

function parseDays(text: string): number[] {
  if (text === '*') return [0, 1, 2, 3, 4, 5, 6]
  const on: number[] = []
  for (const part of text.split(',')) {
    const [first, last = first] = part.split('-')
    const [a, b] = [days.indexOf(first as 'mon'), days.indexOf(last as 'mon')]
    if (a < 0 || b < 0 || part.split('-').length > 2) throw new WeekError(`“${text}” are no days such as mon, mon-fri, sat,sun or *`)
    for (let d = a; ; d = (d + 1) % 7) {
      on.push(d)
      if (d === b) break
    }
  }
  if (on.length > 7) throw new WeekError(`“${text}” names a day twice`)
  return on
}

function parseHours(text: string): [number, number] {
  const [first, last, more] = text.split('-').map(hourOf)
  if (first === undefined || last === undefined || more !== undefined || text.split('-').length !== 2 || first === 24 || first === last) {
    throw new WeekError(`“${text}” are no hours such as 08:00-18:00 or 22:00-06:00: they begin and end at a full hour`)
  }
  return [first, last < first ? last + 24 : last]
}

function hourOf(text: string): number | undefined {
  const found = /^(\d{1,2}):00$/.exec(text)
  const hour = found === null ? 25 : Number(found[1])
  return hour <= 24 ? hour : undefined
}

export const clock = (hour: number): string => `${String(hour).padStart(2, '0')}:00`

/** Writes a week in few rules: the value that most hours have comes last, for all that nothing else is said of. */
export function writeWeek(week: Week): string {
  const count = new Map<string, number>()
  for (const v of week) count.set(v, (count.get(v) ?? 0) + 1)
  const rest = [...count].reduce((a, b) => (b[1] > a[1] ? b : a))[0]
  const spans = new Map<string, number[]>() // days, by "HOURS VALUE"
  const runs = Array.from({ length: 7 }, (_, d) => runsOf(week.slice(24 * d, 24 * d + 24)))
  runs.forEach((of, d) => {
    for (const run of of) {
      const first = runs[(d + 1) % 7]![0]!
      // What goes on after midnight is one rule: 22:00-06:00.
      if (run.value === first.value && run.to === 24 && run.from > 0 && first.to <= run.from && run.value !== rest) [run.to, first.from] = [first.to, first.to]
    }
  })
  runs.forEach((of, d) => {
    for (const { from, to, value } of of) {
      if (value === rest || from === to) continue
      const key = from === 0 && to === 24 ? value : `${clock(from)}-${clock(to)} ${value}`
      spans.set(key, [...(spans.get(key) ?? []), d])
    }
  })
  const rules = [...spans].map(([what, on]) => `${daysOf(on)} ${what}`)
  return [...rules, `* ${rest}`].join('; ')
}

interface Run {
  from: number
  to: number
  value: string
}

/** Hours of a day that have one value each. */
function runsOf(day: Week): Run[] {
  const out: Run[] = []
  day.forEach((value, h) => {
    const last = out.at(-1)
    if (last?.value === value) last.to = h + 1
    else out.push({ from: h, to: h + 1, value })
  })
  return out
}

/** Days in order, as people write them: mon-fri,sun. */
function daysOf(on: readonly number[]): string {
  if (on.length === 7) return '*'
  const parts: string[] = []
  for (let i = 0; i < on.length;) {
    let k = i
    while (k + 1 < on.length && on[k + 1] === on[k]! + 1) k++
    parts.push(k > i ? `${days[on[i]!]}-${days[on[k]!]}` : days[on[i]!]!)
    i = k + 1
  }
  return parts.join(',')
}

/** The week with some hours painted. */
export function painted(week: Week, hours: Iterable<number>, value: string): Week {
  const out = [...week]
  for (const h of hours) if (h >= 0 && h < weekHours) out[h] = value
  return out
}

/** The hour of the week that it is in a zone, by its name; UTC where there is none. */
export function hourNow(now: Date, zone: string | undefined): number {
  const parts = new Intl.DateTimeFormat('en-GB', { timeZone: zone || 'UTC', weekday: 'short', hour: '2-digit', hourCycle: 'h23' }).formatToParts(now)
  const of = (type: string) => parts.find((p) => p.type === type)?.value ?? ''
  return 24 * days.indexOf(of('weekday').toLowerCase() as 'mon') + Number(of('hour'))
}

/** Where a key leads from an hour; undefined where it leads nowhere. */
export function step(hour: number, key: string): number | undefined {
  const [d, h] = [Math.floor(hour / 24), hour % 24]
  switch (key) {
    case 'ArrowRight': return h < 23 ? hour + 1 : undefined
    case 'ArrowLeft': return h > 0 ? hour - 1 : undefined
    case 'ArrowDown': return d < 6 ? hour + 24 : undefined
    case 'ArrowUp': return d > 0 ? hour - 24 : undefined
    case 'Home': return 24 * d
    case 'End': return 24 * d + 23
    default: return undefined
  }
}

/** All hours in the rectangle between two. */
export function between(a: number, b: number): number[] {
  const [d1, d2] = [Math.floor(a / 24), Math.floor(b / 24)].sort((x, y) => x - y) as [number, number]
  const [h1, h2] = [a % 24, b % 24].sort((x, y) => x - y) as [number, number]
  const out: number[] = []
  for (let d = d1; d <= d2; d++) for (let h = h1; h <= h2; h++) out.push(24 * d + h)
  return out
}
