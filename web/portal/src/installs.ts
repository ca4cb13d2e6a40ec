export type System = 'linux' | 'windows' | 'kiosk' | 'try'

/** Stands where a kiosk's command names the content that it shows, until somebody says which. */
export const anyApp = 'NAME'

/** Whether text can be the name of a content, and so needs no quotes. */
export const named = (app: string): boolean => /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(app)

/** What to run on an endpoint that shall enrol with a token in a file. */
export function installs(system: System, server: string, file: string, app = anyApp): string {
  switch (system) {
    case 'linux': return `sudo sitecast agent install --server ${server} --enrol-token-file ${file}`
    case 'windows': return `sitecast.exe agent install --server ${server} --enrol-token-file ${file}`
    case 'kiosk': return `sitecast kiosk --server ${server} --enrol-token-file ${file} --data /var/lib/sitecast-kiosk --app ${app} --display chromium`
    case 'try': return `sitecast agent --server ${server} --enrol-token-file ${file} --data ./agent`
  }
}

/** The same as one line that a barcode scanner types like a keyboard, with the token in it. Tokens and names of sites need no quotes. */
export function typed(system: System, server: string, file: string, token: string, app = anyApp): string {
  const run = installs(system, server, file, app)
  return system === 'windows' ? `Set-Content ${file} ${token}; ${run}\n` : `(umask 077; printf %s ${token} > ${file}) && ${run}\n`
}
