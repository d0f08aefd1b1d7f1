/** `missing`: not part of this platform; `hidden`: not for this role. */
export type Access = 'open' | 'missing' | 'hidden'

/** The paths that this platform offers, and to which roles, as its OpenAPI document says. */
export interface AvailablePaths {
  accessOf(path: string, role: string): Access
}

export const NO_PATHS: AvailablePaths = { accessOf: () => 'missing' }

interface OpenApi {
  readonly paths?: Readonly<Record<string, { readonly get?: { readonly description?: string } }>>
}

/** A request for a path that is missing or hidden would fail each time. Null when not reachable. */
export async function loadAvailablePaths(): Promise<AvailablePaths | null> {
  try {
    const response = await fetch('/openapi.json')
    // The platform generates the document from its own schemas.
    return response.ok ? availablePathsOf((await response.json()) as OpenApi) : null
  } catch {
    // Not reachable: the caller tries again.
    return null
  }
}

export function availablePathsOf({ paths = {} }: OpenApi): AvailablePaths {
  return {
    accessOf(path, role) {
      const operation = paths[`/api/v1${path}`]?.get
      if (!operation) return 'missing'
      const roles = /^Roles: ([^.;]*)[.;]/.exec(operation.description ?? '')?.[1]?.split(', ')
      return roles === undefined || roles.includes(role) ? 'open' : 'hidden'
    },
  }
}
