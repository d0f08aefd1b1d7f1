import { createCell, type Cell } from '../data/cell.ts'

/** A page of the portal and its parameters: the part of the address after `#`. */
export interface Route {
  readonly page: string
  readonly parameters: Readonly<Record<string, string>>
}

export function createRoute(): Cell<Route> {
  const route = createCell(routeOf(location.hash))
  window.addEventListener('hashchange', () => route.set(routeOf(location.hash)))
  return route
}

export function hashOf({ page, parameters }: Route): string {
  const query = new URLSearchParams(parameters)
  return `#/${page}${query.size === 0 ? '' : `?${query}`}`
}

function routeOf(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?')
  return { page: path || 'overview', parameters: Object.fromEntries(new URLSearchParams(query)) }
}
