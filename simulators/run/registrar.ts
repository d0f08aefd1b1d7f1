import { z } from 'zod'
import { requireStatus, type Api } from './api.ts'

export interface NewDevice {
  readonly tenant: string
  /** Short id. */
  readonly id: string
  readonly kind: string
  readonly name?: string
  readonly format?: string
  readonly topics?: readonly string[]
  readonly gateway?: boolean
  readonly site?: string
  readonly settings?: Readonly<Record<string, unknown>>
}

export interface SignIn {
  readonly username: string
  readonly password: string
}

const credentialSchema = z.object({ id: z.string(), username: z.string(), password: z.string() })
const keySchema = z.object({ id: z.string(), key: z.string() })

/** True when it was created, false when it existed. */
export async function ensure(api: Api, path: string, body: object): Promise<boolean> {
  const answer = await api.request('POST', path, body)
  if (answer.status === 409) return false
  requireStatus(answer, 201, `POST ${path} ${JSON.stringify(body).slice(0, 120)}`)
  return true
}

/** A new credential of a device, and how to revoke it. */
export async function signInOf(
  api: Api,
  device: string,
): Promise<SignIn & { revoke(): Promise<void> }> {
  const path = `/devices/${device}/credentials`
  const answer = await api.request('POST', path, {})
  const { id, username, password } = credentialSchema.parse(requireStatus(answer, 201, path))
  return {
    username,
    password,
    async revoke() {
      await api.request('DELETE', `${path}/${id}`)
    },
  }
}

/** The account of an application of a tenant: it may write for all of the tenant's devices. */
export async function applicationOf(
  api: Api,
  tenant: string,
  name: string,
): Promise<SignIn & { revoke(): Promise<void> }> {
  const answer = await api.request('POST', '/keys', { role: 'application', tenant, name })
  const { id, key } = keySchema.parse(requireStatus(answer, 201, 'POST /keys'))
  return {
    username: tenant,
    password: key,
    async revoke() {
      await api.request('DELETE', `/keys/${id}`)
    },
  }
}

/** Works on a list with a few requests at once; the results are in its order. */
export async function inParallel<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T, at: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  // The workers share one iterator: each takes the next item when it is free.
  const queue = items.entries()
  const worker = async () => {
    for (const [at, item] of queue) results[at] = await work(item, at)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker))
  return results
}
