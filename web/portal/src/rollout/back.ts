// Goes back: the old version under a new name, signed here, ordered to where a rollout went. `sitecast rollback` does the same.

import { api, body, Refusal, type Schemas } from '../api.ts'
import { seconds, signHead, type Key } from '../publish/key.ts'
import { backName } from './gates.ts'

/** So often one version is gone back to without a name for it. */
const mostBacks = 100

const shown = (name: string, version: string) => body(api.GET('/api/v1/versions/{name}/{version}', { params: { path: { name, version } } }))

/** The first name that is not taken. */
async function free(name: string, old: string): Promise<string> {
  for (let n = 1; n <= mostBacks; n++) {
    const version = backName(old, n)
    try {
      await shown(name, version)
    } catch (error) {
      if (error instanceof Refusal && error.status === 404) return version
      throw error
    }
  }
  throw new Error(`${mostBacks}`)
}

export async function goBack(rollout: Schemas['RolloutView'], old: string, key: Pick<Key, 'sign' | 'id'>): Promise<{ version: string; change: Schemas['Change'] }> {
  const { name } = rollout
  const { head } = await shown(name, old)
  const version = await free(name, old)
  const { serial } = await body(api.POST('/api/v1/versions', { body: { name, version } }))
  const { expires: _, ...kept } = head
  const signed = await signHead({ ...kept, version, serial, created: seconds(new Date()) }, key)
  await body(api.PUT('/api/v1/versions/{name}/{version}', { params: { path: { name, version } }, body: { head: signed, packs: [] } }))
  const change = await body(api.POST('/api/v1/distributions', { body: { name, version, priority: 'high', replaces: rollout.id } }))
  return { version, change }
}
