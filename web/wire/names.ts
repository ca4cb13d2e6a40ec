import { ContentMaxNameBytes } from './messages'
import { need } from './read'

/** Accepts the name of a content: letters, digits, dots, underscores, hyphens; it throws what is wrong. */
export function checkName(s: string): void {
  checkWord('name', s, /^[A-Za-z0-9][A-Za-z0-9._-]*$/)
}

/** Accepts what {@link checkName} does, and '+'. */
export function checkVersion(s: string): void {
  checkWord('version', s, /^[A-Za-z0-9][A-Za-z0-9._+-]*$/)
}

function checkWord(what: string, s: string, allowed: RegExp): void {
  need(s.length <= ContentMaxNameBytes && allowed.test(s) && !s.endsWith('.') && !isDevice(s), what)
}

const device = /^(con|prn|aux|nul|conin\$|conout\$|clock\$|(com|lpt)[0-9¹²³])$/i

/** Whether Windows takes a name for a device: an extension, and spaces before it, make no difference to it. */
export function isDevice(s: string): boolean {
  return device.test(s.split('.', 1)[0]!.replace(/ +$/, ''))
}
