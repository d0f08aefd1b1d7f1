import { join } from 'node:path'
import { expect, it } from 'vitest'
import { SessionFile } from '../../../../broker/sessions/session-file.ts'
import {
  MAX_SESSIONS_PER_ACCOUNT,
  StoredSubscriptions,
} from '../../../../broker/sessions/stored-subscriptions.ts'
import { createTestLog } from '../../../support/log-lines.ts'
import { temporaryDir } from '../../../support/platform.ts'

it('an account with too many persistent sessions loses its oldest, and no other account does', () => {
  const dir = temporaryDir('stored-subscriptions')
  const file = new SessionFile(join(dir.path, 'broker.db'), createTestLog([]))
  const gone: string[] = []
  const deps = { file, onChange: () => {}, onGone: (id: string) => void gone.push(id) }
  const subscriptions = new StoredSubscriptions(deps)
  const wanted = [{ topic: 'acme/x', qos: 1 }] as const
  subscriptions.add('acme.t2/c', wanted)
  for (let n = 0; n < MAX_SESSIONS_PER_ACCOUNT + 2; n += 1)
    subscriptions.add(`acme.t1/${n}`, wanted)
  expect(gone).toEqual(['acme.t1/0', 'acme.t1/1'])
  expect(subscriptions.match('acme/x').size).toBe(MAX_SESSIONS_PER_ACCOUNT + 1)
  file.close()
  dir.remove()
})
