// A React component that shows a film from the swarm; react-main.jsx uses it. In a project of your own: npm install @sitecast/sdk, and
// give it a function as token, made once, that asks your backend: a string ends with its hour.
import { useEffect, useState } from 'react'
import { join } from '@sitecast/sdk'

export function Film({ server, token, trust, name }) {
  const [info, setInfo] = useState(null)
  const [url, setUrl] = useState('')
  const [trouble, setTrouble] = useState('')

  useEffect(() => {
    let left = false
    let session
    let made = ''
    async function watch() {
      session = await join({ server, token, trust })
      if (left) return session.leave()
      const download = session.get(name)
      download.addEventListener('progress', () => setInfo(download.info))
      await download.complete()
      made = URL.createObjectURL(await download.blob())
      if (!left) setUrl(made)
    }
    watch().catch((e) => !left && setTrouble(`${e.code ?? 'failed'}: ${e.message}`))
    return () => {
      left = true
      session?.leave()
      if (made) URL.revokeObjectURL(made)
    }
  }, [server, token, trust, name])

  if (trouble) return <p role="alert">{trouble}</p>
  if (url) return <video src={url} controls />
  return <progress value={info?.held ?? 0} max={info?.total || 1} />
}
