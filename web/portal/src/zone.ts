// Times in the zone of the site that they are about, with what they are where the viewer is.

/** A time as it is shown, and (`title`) as the viewer's own clock has it where that differs. */
export interface Zoned {
  text: string
  title?: string
}

/** The zone of the browser. */
export const own = (): string => new Intl.DateTimeFormat().resolvedOptions().timeZone

/** Whether there is a zone of that name. */
export function known(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en-GB', { timeZone: zone })
    return true
  } catch {
    return false
  }
}

const none = (at: string | undefined): boolean => at === undefined || at === '' || at.startsWith('0001')

/** A time of a site; without a zone, or with one that the browser does not know, the viewer's. */
export function zoned(at: string | undefined, zone: string | undefined, viewer = own()): Zoned {
  if (none(at)) return { text: '–' }
  const mine = written(at!, viewer)
  if (!zone || !known(zone)) return { text: mine }
  const there = written(at!, zone)
  return there === mine ? { text: mine } : { text: `${there} ${short(at!, zone)}`, title: `${mine} (${viewer})` }
}

const written = (at: string, zone: string): string =>
  new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium', timeZone: zone }).format(new Date(at))

/** The short name of a zone at a time: CET, or GMT-5. */
function short(at: string, zone: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', { timeZone: zone, timeZoneName: 'short' }).formatToParts(new Date(at))
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? zone
}

/** Names of zones to choose from. */
export const zones = (): readonly string[] => ['UTC', ...Intl.supportedValuesOf('timeZone').filter((name) => name !== 'UTC')]
