// How much of its disk an endpoint's store takes, as the swarm of its site tells.

/** What is read of /api/v1/sites/{name}/swarm. An endpoint of an older release does not say. */
export interface Swarm {
  endpoints?: { id: string; cache_used_bytes?: number; cache_budget_bytes?: number }[]
}

export interface Cache {
  used: number // bytes
  budget: number // bytes
}

/** What an endpoint said of its store; undefined where it did not. */
export function cacheOf(swarm: Swarm, id: string): Cache | undefined {
  const { cache_used_bytes: used, cache_budget_bytes: budget } = swarm.endpoints?.find((e) => e.id === id) ?? {}
  return used === undefined || !budget ? undefined : { used, budget }
}
