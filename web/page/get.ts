import { join, type Download, type Session, type Source } from '../sdk/src/index'
import { SwarmMap } from './map'
import { size } from './size'

const root = document.documentElement
const byId = (id: string) => document.getElementById(id)!
const listed = 500 // files of a folder that are shown

/** "31 of 64 MB". */
function part(held: number, total: number): string {
  const [n, unit] = size(held).split(' ')
  return size(total).endsWith(` ${unit}`) ? `${n} of ${size(total)}` : `${size(held)} of ${size(total)}`
}

function wanted(): { name: string; version: string | undefined } {
  const [name, version] = decodeURIComponent(location.pathname.replace(/^\/get\//, '')).split('@')
  return { name: name!, version }
}

function failed(why: string): void {
  root.dataset.state = 'failed'
  byId('sentence').textContent = why
  byId('percent').textContent = '!'
  byId('caption').textContent = ''
}

/** What went wrong, and what the reader can do. */
function explain(code: string, detail: string): string {
  switch (code) {
    case 'unauthorized':
      return 'This link has ended or is damaged. Ask for a new one.'
    case 'wrong_origin':
      return 'This link is for another web site. Ask for one of this address.'
    case 'insecure':
      return 'This page works over https only.'
    case 'not_offered':
      return 'This link does not name the content that is asked for.'
    case 'untrusted':
    case 'bad_head':
      return 'The content is not signed by anybody who may publish it here, so nothing of it was taken.'
    case 'disk_full':
      return 'There is no room for this content in the browser. Free some space and open the link again.'
  }
  return `It did not work: ${detail}`
}

async function main(): Promise<void> {
  const { name, version } = wanted()
  document.title = name
  byId('name').textContent = name
  byId('version').textContent = version ?? ''
  const token = location.hash.slice(1)
  if (!token) return failed('This link is not whole: what stands behind the # is missing. Ask for it again.')
  byId('sentence').textContent = 'Looking for devices that have it …'
  const session = await join({ server: location.origin, token, worker: '/assets/worker.js', name: 'download page' })
  const download = session.get(name, version)
  const map = new SwarmMap()
  session.addEventListener('change', () => show(session, download, map))
  session.addEventListener('storage', () => note(session))
  session.addEventListener('warning', (e) => {
    const { code } = (e as CustomEvent<{ code: string }>).detail
    if (code === 'local_network_denied') byId('note').textContent = 'This browser keeps the page from devices of the local network, so it comes from the server. Allow “local network” for this page to change that.'
    if (code === 'unauthorized' && download.state !== 'complete') failed(explain(code, ''))
  })
  note(session)
  void navigator.storage?.persist?.()
  download.addEventListener('state', () => download.state === 'complete' && void offer(download))
}

function note(session: Session): void {
  const { kind, reason } = session.storage
  if (kind === 'disk') return
  const why = {
    busy: 'Another tab of this browser keeps content on disk; this one keeps it in memory, until it is closed.',
    quota: 'The disk that the browser gives is full; the rest is kept in memory, until this tab is closed.',
    unsupported: 'This browser gives pages no disk; content is kept in memory, until this tab is closed.',
    evicted: 'The browser has removed what it kept; this tab has it until it is closed.',
    asked: '',
  }[reason ?? 'asked']
  byId('note').textContent = why
}

/** Shows what there is to see now. */
function show(session: Session, download: Download, map: SwarmMap): void {
  const { state, bytes, total, held, code, reason } = download.info
  if (state === 'failed') failed(explain(code, reason))
  else root.dataset.state = state === 'complete' ? 'complete' : state === 'waiting' ? 'joining' : 'downloading'
  for (const [source, n] of Object.entries(bytes)) root.setAttribute(`data-bytes-${source}`, String(n))
  const served = session.peers.reduce((sum, p) => sum + p.served, 0)
  for (const [id, n] of Object.entries({ ...bytes, served })) {
    byId(`bytes-${id}`).textContent = size(n)
    byId(`bytes-${id}`).parentElement!.classList.toggle('none', n === 0 && id !== 'peer' && id !== 'origin')
  }
  for (const source of ['reused', 'peer', 'relay', 'origin'] as const) {
    byId('bar').querySelector<HTMLElement>(`.${source}`)!.style.width = `${total ? (100 * bytes[source]) / total : 0}%`
  }
  byId('version').textContent = [download.info.version, total ? size(download.info.size) : ''].filter(Boolean).join(' · ')
  byId('site').textContent = session.site ? `Site: ${session.site}.` : ''
  if (state !== 'failed') say(session, download)
  map.show(session.peers, bytes, total ? held / total : 0, state === 'complete')
}

function say(session: Session, download: Download): void {
  const { state, bytes, total, held, reason } = download.info
  const percent = total ? Math.floor((100 * held) / total) : 0
  byId('percent').textContent = total ? `${percent} %` : '…'
  byId('caption').textContent = total && state !== 'complete' ? part(held, total) : state === 'complete' ? 'complete' : ''
  const n = session.peers.length
  const devices = n === 1 ? 'one device' : `${n} devices`
  const sentence = byId('sentence')
  if (state === 'complete') return sentence.replaceChildren(...share(bytes))
  if (state === 'paused') sentence.textContent = `Paused by the operator${reason ? `: ${reason}` : ''}.`
  else if (state === 'downloading' || state === 'preparing') sentence.textContent = n > 0 ? `Taking it from ${devices} next to you.` : 'Taking it from the server; devices next to you will take it from here.'
  else if (!session.connected) sentence.textContent = 'Connecting …'
}

/** How much of it did not cross the line to the internet. */
function share(bytes: Record<Source, number>): (string | Node)[] {
  const all = bytes.origin + bytes.peer + bytes.relay + bytes.reused
  const near = bytes.peer + bytes.reused
  if (all === 0 || near === 0) return ['It is all here. Leave this tab open, and others nearby get it from you.']
  const strong = document.createElement('b')
  strong.textContent = `${Math.floor((100 * near) / all)} %`
  const from = bytes.peer === 0 ? 'was here already' : bytes.reused === 0 ? 'came from devices next to you' : 'was here already or came from devices next to you'
  return [strong, ` of it ${from}, and did not cross the line to the internet.`]
}

/** Offers what is complete to be saved. */
async function offer(download: Download): Promise<void> {
  const files = (await download.files()).filter((f) => !f.dir)
  const single = files.length === 1 ? files[0] : undefined
  if (single) {
    const link = byId('file') as HTMLAnchorElement
    const blob = await single.blob()
    URL.revokeObjectURL(link.href) // of the version before
    link.href = URL.createObjectURL(blob)
    link.download = single.path.slice(single.path.lastIndexOf('/') + 1)
    link.textContent = `Save ${link.download}`
    byId('save').hidden = false
    return
  }
  const folder = byId('folder')
  folder.hidden = false
  folder.querySelector('summary')!.textContent = `${files.length} files`
  const rows = files.slice(0, listed).map((f) => {
    const row = document.createElement('li')
    const button = document.createElement('button')
    button.textContent = f.path
    button.onclick = () => void save(f.path, f)
    const bytes = document.createElement('span')
    bytes.textContent = size(f.size)
    row.append(button, bytes)
    return row
  })
  folder.querySelector('ul')!.replaceChildren(...rows)
}

async function save(path: string, file: { blob(): Promise<Blob> }): Promise<void> {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(await file.blob())
  link.download = path.slice(path.lastIndexOf('/') + 1)
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

main().catch((e: { code?: string; message: string }) => failed(explain(e.code ?? 'failed', e.message)))
