import { expect, test } from 'vitest'
import { installs, named, typed } from './installs.ts'

test('what a scanner types keeps the token in a file that others can’t read, and then enrols', () => {
  expect(typed('linux', 'https://sitecast.example:8443', 'shop-1.token', 'sce1.abc-_')).toBe(
    '(umask 077; printf %s sce1.abc-_ > shop-1.token) && sudo sitecast agent install --server https://sitecast.example:8443 --enrol-token-file shop-1.token\n')
})

test('a shell of Windows is given what it understands', () => {
  expect(typed('windows', 'https://sitecast.example:8443', 'shop-1.token', 'sce1.abc')).toBe(
    'Set-Content shop-1.token sce1.abc; sitecast.exe agent install --server https://sitecast.example:8443 --enrol-token-file shop-1.token\n')
})

test('each system has a line of its own', () => {
  const lines = (['linux', 'windows', 'kiosk', 'try'] as const).map((system) => installs(system, 'https://sitecast.example', 'token'))
  expect(new Set(lines).size).toBe(4)
  for (const line of lines) expect(line).toContain('--server https://sitecast.example --enrol-token-file token')
})

test('a kiosk shows the content that somebody named', () => {
  expect(typed('kiosk', 'https://sitecast.example', 'token', 'sce1.abc', 'menu')).toContain(' --app menu ')
  expect(['menu', 'menu-2.board', '', 'a b', '$(reboot)', '-x'].filter(named)).toEqual(['menu', 'menu-2.board'])
})
