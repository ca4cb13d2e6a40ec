// How figures are written: rates in bits per second with SI prefixes, sizes in bytes.

const prefixes = ['', 'k', 'M', 'G', 'T', 'P']

/** Three significant figures and an SI prefix: 12.3 M. */
function si(n: number, unit: string): string {
  let step = 0
  while (Math.abs(n) >= 999.5 && step < prefixes.length - 1) {
    n /= 1000
    step++
  }
  const digits = step === 0 || Math.abs(n) >= 99.95 ? 0 : Math.abs(n) >= 9.995 ? 1 : 2
  return `${n.toFixed(digits)} ${prefixes[step]}${unit}`
}

/** Bits per second. */
export const rate = (bps: number): string => si(bps, 'bit/s')

/** Bytes. */
export const size = (bytes: number): string => si(bytes, 'B')

/** A whole number, in groups of three. */
export const count = (n: number): string => n.toLocaleString('en')

/** A part of a whole as a percentage. Everything is only 100 % when nothing is missing. */
export function share(part: number, whole: number): string {
  if (whole <= 0) return '–'
  const percent = (100 * part) / whole
  return `${part >= whole ? 100 : Math.min(99, Math.floor(percent))} %`
}

const spans: [number, string][] = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']]

/** Seconds as people say them: 2 h 5 min. */
export function span(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–'
  if (seconds < 1) return '0 s'
  const first = spans.findIndex(([unit]) => seconds >= unit)
  const [unit, name] = spans[first]!
  const whole = Math.floor(seconds / unit)
  const finer = spans[first + 1]
  const rest = finer === undefined ? 0 : Math.floor((seconds - whole * unit) / finer[0])
  return rest === 0 || finer === undefined ? `${whole} ${name}` : `${whole} ${name} ${rest} ${finer[1]}`
}

/** How long ago, or how far ahead, a time is. */
export function ago(at: string | undefined, now: number): string {
  if (at === undefined || at === '' || at.startsWith('0001')) return 'never'
  const seconds = (now - Date.parse(at)) / 1000
  if (Math.abs(seconds) < 5) return 'now'
  return seconds > 0 ? `${coarse(seconds)} ago` : `in ${coarse(-seconds)}`
}

/** The first part of a span: what counts at a glance. */
function coarse(seconds: number): string {
  return span(seconds).split(' ').slice(0, 2).join(' ')
}

/** A time in the viewer's zone, or in the one named, which it then says. */
export function time(at: string | undefined, zone?: string): string {
  if (at === undefined || at === '' || at.startsWith('0001')) return '–'
  const form = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium', timeZone: zone || undefined })
  return zone ? `${form.format(new Date(at))} (${zone})` : form.format(new Date(at))
}
