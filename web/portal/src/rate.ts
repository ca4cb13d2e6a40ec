// Rates as people type them. Pure.

const steps: Record<string, number> = { '': 1, k: 1e3, m: 1e6, g: 1e9 }

/** Bits per second of 5 Mbit/s, 5mbit, 500k or 1.5 gbps; nothing where it is none that a line has. */
export function parseRate(typed: string): number | undefined {
  const [, number, prefix] = /^\s*(\d+(?:[.,]\d+)?)\s*([kmg]?)(?:bit(?:\/s|ps)?|bps)?\s*$/i.exec(typed) ?? []
  if (number === undefined || (prefix === '' && !/bit|bps/i.test(typed))) return undefined
  const bps = Number(number.replace(',', '.')) * steps[prefix!.toLowerCase()]!
  return bps >= 8 && bps <= 1e12 ? bps : undefined
}
