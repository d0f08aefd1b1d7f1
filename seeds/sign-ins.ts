import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { writeFileAtomic } from '#lib/runtime/files.ts'
import { requireStatus, type Api } from '../simulators/run/api.ts'

/** A key for people who look at the testbed. */
export interface SignInKey {
  readonly id: string
  readonly role: string
  readonly tenant: string | null
  readonly about: string
  readonly key: string
}

const WANTED = [
  { role: 'secretariat', tenant: null, about: 'heat and energy of all' },
  { role: 'engineer', tenant: null, about: 'network figures of all, devices by pseudonym' },
  { role: 'tenant-operator', tenant: 'marskfragt', about: 'one haulier, may change devices' },
  { role: 'tenant-viewer', tenant: 'hallebot', about: 'the robot operator, looks only' },
] as const

const fileSchema = z.array(
  z.object({
    id: z.string(),
    role: z.string(),
    tenant: z.string().nullable(),
    about: z.string(),
    key: z.string(),
  }),
)
const madeSchema = z.object({ id: z.string(), key: z.string() })
const knownSchema = z.object({ id: z.string() })

/**
 * One key per role for people who try the testbed. The platform shows a key only once, so they are kept
 * in a file of this user; those that the platform no longer knows are replaced.
 */
export async function signInKeys(api: Api, path: string): Promise<readonly SignInKey[]> {
  const kept = readKept(path)
  const known = new Set((await api.list('/keys', knownSchema)).map(({ id }) => id))
  const keys: SignInKey[] = []
  for (const wanted of WANTED) {
    const old = kept.find(({ role, tenant }) => role === wanted.role && tenant === wanted.tenant)
    if (old && known.has(old.id)) keys.push({ ...wanted, id: old.id, key: old.key })
    else keys.push({ ...wanted, ...(await makeKey(api, wanted)) })
  }
  writeFileAtomic(path, `${JSON.stringify(keys)}\n`)
  return keys
}

async function makeKey(api: Api, { role, tenant }: (typeof WANTED)[number]) {
  const body = { role, tenant, name: `testbed ${role}` }
  return madeSchema.parse(
    requireStatus(await api.request('POST', '/keys', body), 201, 'POST /keys'),
  )
}

function readKept(path: string): z.infer<typeof fileSchema> {
  try {
    return fileSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    // Not there yet, or not a file of keys: new keys are made.
    return []
  }
}
