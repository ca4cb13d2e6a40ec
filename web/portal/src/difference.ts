/** A member of two values, as text; empty where one lacks it. */
export interface Difference {
  path: string
  before: string
  after: string
}

/** Members of two JSON values side by side, in the order of the second, then what only the first has. */
export function difference(before: unknown, after: unknown): Difference[] {
  const was = flat(before), is = flat(after)
  const paths = [...is.keys(), ...[...was.keys()].filter((path) => !is.has(path))]
  return paths.map((path) => ({ path, before: was.get(path) ?? '', after: is.get(path) ?? '' }))
}

function flat(value: unknown, path = '', out = new Map<string, string>()): Map<string, string> {
  if (value === null || value === undefined) return out
  if (typeof value === 'object' && !(Array.isArray(value) && value.every((v) => typeof v !== 'object'))) {
    for (const [name, member] of Object.entries(value)) flat(member, path === '' ? name : `${path}.${name}`, out)
    return out
  }
  return out.set(path, Array.isArray(value) ? value.join(', ') : String(value))
}
