/** Which addresses this platform has, and for which roles: asked of it, not assumed. */
export interface Features {
  /** `missing`: not part of this platform; `hidden`: this role does not see it. */
  readonly of: (path: string, role: string) => 'open' | 'missing' | 'hidden'
}

export const NO_FEATURES: Features = { of: () => 'missing' }

interface OpenApi {
  readonly paths?: Readonly<Record<string, { readonly get?: { readonly description?: string } }>>
}

/** Asking for an address that is not there, or is not for this role, would be an error each time. */
export async function loadFeatures(): Promise<Features | null> {
  try {
    const response = await fetch('/openapi.json')
    // A document that the platform makes of its own schemas.
    return response.ok ? featuresOf((await response.json()) as OpenApi) : null
  } catch {
    // Not reachable: the caller asks again when it is.
    return null
  }
}

function featuresOf({ paths = {} }: OpenApi): Features {
  return {
    of(path, role) {
      const operation = paths[`/api/v1${path}`]?.get
      if (!operation) return 'missing'
      const roles = /^Roles: ([^.;]*)[.;]/.exec(operation.description ?? '')?.[1]?.split(', ')
      return roles === undefined || roles.includes(role) ? 'open' : 'hidden'
    },
  }
}
