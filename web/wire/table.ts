/**
 * How a value of the wire is read from JSON that came from elsewhere, and written: the
 * tables in messages.ts are made of these. What a table does not name is left out, what
 * has the wrong type is refused, and members are written in the order of the table, so
 * that both languages make the same text of the same message.
 */
export interface Table {
  /** Returns the value that JSON stands for; throws a TypeError that says what is wrong. */
  read(json: unknown, at: string): unknown
  /** Returns what JSON.stringify is given. */
  write(value: unknown): unknown
  /** Whether Go leaves such a value out where it may. */
  empty(value: unknown): boolean
  zero(): unknown
  optional?: boolean
}

function wrong(at: string, what: string): never {
  throw new TypeError(`${at} is not ${what}`)
}

const same = (value: unknown) => value

function scalar(what: string, zero: unknown, ok: (json: unknown) => boolean): Table {
  return {
    read: (json, at) => (ok(json) ? json : wrong(at, what)),
    write: same,
    empty: (value) => value === zero || value === undefined,
    zero: () => zero,
  }
}

export const text = scalar('a text', '', (v) => typeof v === 'string')
export const flag = scalar('true or false', false, (v) => typeof v === 'boolean')
export const real = scalar('a number', 0, (v) => typeof v === 'number')
export const whole = scalar('a whole number', 0, Number.isSafeInteger)
export const unsigned = scalar('a whole number from 0 on', 0, (v) => Number.isSafeInteger(v) && (v as number) >= 0)

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/
export const time = scalar('a time', '', (v) => typeof v === 'string' && rfc3339.test(v) && !Number.isNaN(Date.parse(v)))

/** Hexadecimal digits of a fixed number. */
export function hex(digits: number): Table {
  const ok = new RegExp(`^[0-9a-fA-F]{${digits}}$`)
  return {
    read: (json, at) => (typeof json === 'string' && ok.test(json) ? json.toLowerCase() : wrong(at, `${digits} hexadecimal digits`)),
    write: same,
    empty: () => false,
    zero: () => '0'.repeat(digits),
  }
}

const padded = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** Bytes, as base64 with padding. */
export const bytes: Table = {
  read(json, at) {
    if (json === null) return new Uint8Array()
    if (typeof json !== 'string' || !padded.test(json)) return wrong(at, 'base64')
    return Uint8Array.from(atob(json), (c) => c.charCodeAt(0))
  },
  write(value) {
    let out = ''
    for (const b of value as Uint8Array) out += String.fromCharCode(b)
    return btoa(out)
  },
  empty: (value) => value === undefined || (value as Uint8Array).length === 0,
  zero: () => new Uint8Array(),
}

/** A document within the message, which is read elsewhere. */
export const raw: Table = {
  read: (json, at) => (typeof json === 'object' && json !== null && !Array.isArray(json) ? json : wrong(at, 'an object')),
  write: same,
  empty: (value) => value === undefined,
  zero: () => undefined,
}

export function list(of: Table): Table {
  return {
    read(json, at) {
      if (json === null) return []
      if (!Array.isArray(json)) return wrong(at, 'a list')
      return json.map((v, i) => of.read(v, `${at}[${i}]`))
    },
    write: (value) => (value as unknown[]).map((v) => of.write(v)),
    empty: (value) => value === undefined || (value as unknown[]).length === 0,
    zero: () => [],
  }
}

export function map(of: Table): Table {
  return {
    read(json, at) {
      if (json === null) return {}
      if (typeof json !== 'object' || Array.isArray(json)) return wrong(at, 'an object')
      return Object.fromEntries(Object.entries(json).map(([k, v]) => [k, of.read(v, `${at}.${k}`)]))
    },
    write: (value) => Object.fromEntries(Object.entries(value as object).map(([k, v]) => [k, of.write(v)])),
    empty: (value) => value === undefined || Object.keys(value as object).length === 0,
    zero: () => ({}),
  }
}

export function opt(of: Table): Table {
  return { ...of, optional: true }
}

export function object(fields: Record<string, Table>): Table {
  const members = Object.entries(fields)
  return {
    read(json, at) {
      if (typeof json !== 'object' || json === null || Array.isArray(json)) return wrong(at, 'an object')
      const from = json as Record<string, unknown>
      const out: Record<string, unknown> = {}
      for (const [key, table] of members) {
        const value = Object.hasOwn(from, key) ? from[key] : undefined
        if (value !== undefined && value !== null) out[key] = table.read(value, `${at}.${key}`)
        else if (!table.optional) out[key] = table.zero()
      }
      return out
    },
    write(value) {
      const from = value as Record<string, unknown>
      const out: Record<string, unknown> = {}
      for (const [key, table] of members) {
        if (table.optional && table.empty(from[key])) continue
        out[key] = table.write(from[key] ?? table.zero())
      }
      return out
    },
    empty: (value) => value === undefined || (isPlain(value) && members.every(([key, table]) => table.empty(value[key]))),
    zero: () => ({}),
  }
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** What is left out only where there is none. */
export function some(of: Table): Table {
  return { ...of, empty: (value) => value === undefined }
}
