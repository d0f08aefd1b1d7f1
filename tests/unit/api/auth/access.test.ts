import { fastify } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ACCESS, PERMISSIONS, IDENTIFYING_FIELDS, ROLES } from '#lib/access/policy.ts'
import { KINDS } from '#lib/telemetry/catalogue.ts'
import type { RequestLimiter } from '../../../../api/plugins/rate-limits.ts'
import { addAdmission, permissionOf } from '../../../../api/plugins/admission.ts'
import { createTestApp, type TestApp } from '../test-app.ts'

/** The policy table, written down a second time on purpose: role -> its permissions. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  'session:read': [
    'admin',
    'secretariat',
    'engineer',
    'tenant-operator',
    'tenant-viewer',
    'application',
  ],
  'tenants:read': ['admin', 'secretariat', 'tenant-operator', 'tenant-viewer'],
  'tenants:write': ['admin'],
  'sites:read': ['admin', 'secretariat', 'tenant-operator', 'tenant-viewer'],
  'sites:write': ['admin'],
  'devices:read': ['admin', 'secretariat', 'tenant-operator', 'tenant-viewer'],
  'devices:write': ['admin', 'tenant-operator'],
  'conformance:read': ['admin', 'tenant-operator', 'tenant-viewer'],
  'credentials:read': ['admin', 'tenant-operator', 'tenant-viewer'],
  'credentials:write': ['admin', 'tenant-operator'],
  'keys:read': ['admin', 'tenant-operator'],
  'keys:write': ['admin'],
  'kinds:read': ['admin', 'secretariat', 'engineer', 'tenant-operator', 'tenant-viewer'],
  'readings:read': ['admin', 'secretariat', 'engineer', 'tenant-operator', 'tenant-viewer'],
  'delivery:read': ['admin', 'secretariat', 'engineer', 'tenant-operator', 'tenant-viewer'],
  'network:read': ['admin', 'engineer', 'tenant-operator', 'tenant-viewer'],
  'heat:read': ['admin', 'secretariat', 'tenant-operator', 'tenant-viewer'],
  'rejections:read': ['admin', 'tenant-operator', 'tenant-viewer'],
  'rejections:replay': ['admin', 'tenant-operator'],
  'backup:write': ['admin'],
}

interface Route {
  readonly method: string
  readonly path: string
}

describe('access', () => {
  let test: TestApp
  let routes: readonly Route[]

  beforeAll(async () => {
    test = await createTestApp()
    routes = routesOf(test.app.printRoutes({ includeMeta: false }))
  })
  afterAll(() => test.close())

  it('gives each role the permissions of the table', () => {
    for (const permission of PERMISSIONS) {
      const roles = ROLES.filter((role) => ACCESS[role].permissions.includes(permission))
      expect(roles, permission).toEqual(EXPECTED[permission])
    }
    expect(Object.keys(EXPECTED).toSorted()).toEqual([...PERMISSIONS].toSorted())
  })

  it('is checked on every route: 401 without a key, and with each role as the policy table says', async () => {
    expect(routes.length).toBeGreaterThan(25)
    for (const { method, path } of routes.filter(({ path }) => path.startsWith('/api/'))) {
      if (method === 'POST' && path === '/api/v1/session') continue
      const permission = await permissionFor(method === 'HEAD' ? 'GET' : method, path)
      expect(PERMISSIONS, `${method} ${path}`).toContain(permission)
      const url = path.replaceAll(/:\w+/g, 'nobody')
      expect((await test.app.inject({ method: method as 'GET', url })).statusCode).toBe(401)
      for (const role of ROLES) {
        const headers = { authorization: `Bearer ${test.keys[role]}` }
        const { statusCode } = await test.app.inject({ method: method as 'GET', url, headers })
        const may = EXPECTED[permission]?.includes(role)
        expect(statusCode === 403, `${role} ${method} ${path} -> ${statusCode}`).toBe(!may)
        expect([200, 204, 400, 403, 404, 415, 422]).toContain(statusCode)
      }
    }
  })

  it('is public only on the routes that need no sign-in', () => {
    const open = routes.filter(({ path }) => !path.startsWith('/api/')).map(({ path }) => path)
    for (const path of open) {
      // Assets only where the portal is built.
      expect(path).toMatch(
        /^\/(docs(\/.*)?|openapi\.json|metrics|health\/(live|ready)|assets\/\*)?$/,
      )
    }
  })

  it('stops the assembly for a route without a permission', () => {
    const app = fastify()
    addAdmission(app, test as never, { callers: new WeakMap(), limiter: NO_LIMITS })
    expect(() => app.get('/api/v1/new', async () => ({}))).toThrow(/names no permission/)
    expect(permissionOf('/api/v1/new', {})).toBeNull()
    expect(permissionOf('/api/v1/new', { permission: 'all' })).toBeNull()
    expect(permissionOf('/docsx', undefined)).toBeNull()
  })

  it('marks every field that tells a place or an owner', () => {
    const names = new Set(Object.values(KINDS).flatMap(({ fields }) => Object.keys(fields)))
    for (const name of IDENTIFYING_FIELDS) expect(names.has(name), name).toBe(true)
    const telling = /^(lat|lon|alt[A-Z]|heading|[xy]M$|theta|map|lastNode|target$)/
    for (const name of names) {
      expect(IDENTIFYING_FIELDS.has(name), name).toBe(telling.test(name))
    }
  })

  it('shows each role its own session', async () => {
    for (const role of ROLES) {
      const { status, body } = await test.request('/session', { role })
      expect(status).toBe(200)
      expect(body).toMatchObject({ role, name: `the ${role}`, endsAt: null })
      expect(body.permissions).toEqual(ACCESS[role].permissions)
    }
  })

  /** The permission a refused role is told. */
  async function permissionFor(method: string, path: string): Promise<string> {
    const url = path.replaceAll(/:\w+/g, 'nobody')
    const headers = { authorization: `Bearer ${test.keys['application']}` }
    const response = await test.app.inject({ method: method as 'GET', url, headers })
    const [, permission] = /permission ([a-z:]+)/.exec(response.body) ?? []
    return permission ?? (path === '/api/v1/session' ? 'session:read' : 'none named')
  }
})

const NO_LIMITS: RequestLimiter = {
  ofAddress: async () => null,
  ofKey: async () => null,
  ofWrongKey: async () => null,
}

/** Reads the tree that Fastify prints: every line a part of a path and its methods. */
function routesOf(tree: string): Route[] {
  const found: Route[] = []
  const parents: string[] = []
  for (const line of tree.split('\n')) {
    const [, lead = '', part = '', methods] =
      /^([│ ├└─]*)([^ (]*)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? []
    if (part === '') continue
    const depth = Math.floor(lead.length / 4)
    parents.length = Math.max(0, depth - 1)
    parents.push(part)
    const path = parents.join('')
    for (const method of methods?.split(', ') ?? []) found.push({ method, path })
  }
  return found
}
