import { createContext, useContext } from 'react'
import type { Schemas } from './api.ts'

/** Who looks at the portal; undefined until the server has said so. */
export const Me = createContext<Schemas['Actor'] | undefined>(undefined)

const ranks = ['viewer', 'operator', 'admin']

/** Whether who looks may do what a role may. What is not offered could still be asked for: the server decides. */
export function useMay(role: 'viewer' | 'operator' | 'admin'): boolean {
  const me = useContext(Me)
  return me !== undefined && ranks.indexOf(me.role) >= ranks.indexOf(role)
}
