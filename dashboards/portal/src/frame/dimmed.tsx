import type { ComponentChildren } from 'preact'
import { useConnection } from './use-connection.ts'

/** Dims a page whose figures are those of the last contact. */
export function Dimmed({ children }: { readonly children: ComponentChildren }) {
  const { state } = useConnection()
  return <div class={state === 'disconnected' ? 'stale' : ''}>{children}</div>
}
