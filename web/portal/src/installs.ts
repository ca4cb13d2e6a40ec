export type System = 'linux' | 'windows' | 'kiosk' | 'try'

/** What to run on an endpoint that shall enrol with a token in a file. */
export function installs(system: System, server: string, file: string): string {
  switch (system) {
    case 'linux': return `sudo sitecast agent install --server ${server} --enrol-token-file ${file}`
    case 'windows': return `sitecast.exe agent install --server ${server} --enrol-token-file ${file}`
    case 'kiosk': return `sitecast kiosk --server ${server} --enrol-token-file ${file} --data /var/lib/sitecast-kiosk --app NAME --display chromium`
    case 'try': return `sitecast agent --server ${server} --enrol-token-file ${file} --data ./agent`
  }
}

/** The same as one line that a barcode scanner types like a keyboard, with the token in it. Tokens and names of sites need no quotes. */
export function typed(system: System, server: string, file: string, token: string): string {
  const run = installs(system, server, file)
  return system === 'windows' ? `Set-Content ${file} ${token}; ${run}\n` : `(umask 077; printf %s ${token} > ${file}) && ${run}\n`
}
