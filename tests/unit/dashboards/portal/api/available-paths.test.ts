import { expect, it } from 'vitest'
import { availablePathsOf } from '../../../../../dashboards/portal/src/api/available-paths.ts'

it('a path is open to the roles that its description names, missing without a description', () => {
  const paths = availablePathsOf({
    paths: {
      '/api/v1/devices': { get: { description: 'Roles: admin, tenant-viewer. More.' } },
      '/api/v1/live': { get: {} },
      '/api/v1/session': {},
    },
  })
  expect(paths.accessOf('/devices', 'tenant-viewer')).toBe('open')
  expect(paths.accessOf('/devices', 'secretariat')).toBe('hidden')
  expect(paths.accessOf('/live', 'secretariat')).toBe('open')
  expect(paths.accessOf('/session', 'admin')).toBe('missing')
  expect(paths.accessOf('/unknown', 'admin')).toBe('missing')
})
