/** Tells what pages on this server can do in this browser, and which policy or setting changes it. */

import { size } from './size'

type Verdict = 'good' | 'partly' | 'missing'
interface Finding {
  verdict: Verdict
  says: string
}

const good = (says: string): Finding => ({ verdict: 'good', says })
const partly = (says: string): Finding => ({ verdict: 'partly', says })
const missing = (says: string): Finding => ({ verdict: 'missing', says })

const checks: [string, string, () => Promise<Finding> | Finding][] = [
  ['secure', 'Secure context', () => (isSecureContext ? good('The page came over https, or from this computer.') : missing('Open it over https: pages can’t join otherwise.'))],
  ['keys', 'Keys', async () => {
    try {
      await crypto.subtle.generateKey('Ed25519', false, ['sign'])
      return good('Ed25519 keys can be made, and can’t be read out again.')
    } catch {
      return missing('This browser makes no Ed25519 keys: it is too old to join.')
    }
  }],
  ['network', 'Local network', async () => {
    try {
      const { state } = await navigator.permissions.query({ name: 'local-network-access' as PermissionName })
      if (state === 'granted') return good('The page may reach devices of the local network.')
      if (state === 'denied') return missing('The page may reach no device of the local network: content comes from the server alone. Allow it for this page, or by LocalNetworkAccessAllowedForUrls.')
      return partly('The browser may ask before the page reaches devices of the local network. LocalNetworkAccessAllowedForUrls answers for a fleet.')
    } catch {
      return good('This browser asks for no permission to reach the local network.')
    }
  }],
  ['addresses', 'Addresses', async () => {
    const found = await candidates()
    if (found.length === 0) return missing('The browser names no address of its own: WebRTC is turned off, or WebRtcIPHandling keeps it from UDP.')
    if (found.some((c) => !/\.local$/i.test(c))) return good('Peers are told the address of this computer.')
    return partly('Peers are told a name that only multicast DNS resolves. Agents find this browser all the same; for two browsers in different VLANs set WebRtcLocalIpsAllowedUrls.')
  }],
  ['channels', 'Channels in a worker', () => {
    const pc = new RTCPeerConnection()
    try {
      const channel = pc.createDataChannel('x')
      new MessageChannel().port1.postMessage(channel, [channel as unknown as Transferable])
      return good('Data channels can be handed to a worker.')
    } catch {
      return partly('Data channels stay in the page; what comes over them takes a little more of the processor.')
    } finally {
      pc.close()
    }
  }],
  ['disk', 'Disk', async () => {
    try {
      await navigator.storage.getDirectory()
    } catch {
      return missing('This browser gives pages no disk (a private window does not): content is kept in memory.')
    }
    const { quota = 0, usage = 0 } = await navigator.storage.estimate()
    const room = `There is room for ${size(quota - usage)}.`
    return (await navigator.storage.persisted()) ? good(`What is stored stays. ${room}`) : partly(`The browser may remove what is stored when it needs room. ${room}`)
  }],
  ['lock', 'Tabs', () => (navigator.locks ? good('Tabs of one site share one store.') : partly('Tabs do not know of each other: each keeps content in memory.'))],
]

/** The addresses that this browser tells peers. */
async function candidates(): Promise<string[]> {
  const pc = new RTCPeerConnection()
  try {
    pc.createDataChannel('x')
    const found: string[] = []
    const done = new Promise<void>((resolve) => {
      pc.onicecandidate = (e) => (e.candidate?.address ? void found.push(e.candidate.address) : e.candidate ? undefined : resolve())
      setTimeout(resolve, 2000)
    })
    await pc.setLocalDescription()
    await done
    return found
  } finally {
    pc.close()
  }
}

async function main(): Promise<void> {
  const list = document.getElementById('checks')!
  for (const [id, title, look] of checks) {
    const finding = await Promise.resolve().then(look).catch((e: unknown) => missing(`It can’t be told: ${String(e)}`))
    const row = document.createElement('li')
    row.id = `check-${id}`
    row.className = row.dataset.verdict = finding.verdict
    const name = document.createElement('b')
    name.textContent = title
    const says = document.createElement('span')
    says.textContent = finding.says
    row.append(name, says)
    list.append(row)
  }
  document.documentElement.dataset.state = 'done'
}

void main()
