import { StreamResponse } from '../replies/response.ts'
import type { Api } from '../api.ts'
import type { Add } from '../endpoint.ts'
import { Problem } from '../replies/problem.ts'

/** A backup of everything while the platform runs: `npm run backup` calls this. */
export function addBackup(add: Add, { backups }: Api): void {
  add({
    method: 'POST',
    url: '/backup',
    permission: 'backup:write',
    tag: 'platform',
    summary: 'A consistent backup of everything, as a tar file; it holds hashes and secrets',
    async handle() {
      if (!backups) {
        const detail =
          'expected the data to be in this process, they are not; use the API of the process that has them'
        return new Problem(404, detail)
      }
      return new StreamResponse(await backups.begin(), 'application/x-tar')
    },
  })
}
