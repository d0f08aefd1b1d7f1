import { createCell, type Cell } from '../data/cell.ts'

/** A place in the portal: what stands behind `#`, which the server never sees. */
export interface Place {
  readonly page: string
  readonly parameters: Readonly<Record<string, string>>
}

export function createPlace(): Cell<Place> {
  const place = createCell(placeOf(location.hash))
  window.addEventListener('hashchange', () => place.set(placeOf(location.hash)))
  return place
}

export function hashOf({ page, parameters }: Place): string {
  const query = new URLSearchParams(parameters)
  return `#/${page}${query.size === 0 ? '' : `?${query}`}`
}

function placeOf(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?')
  return { page: path || 'overview', parameters: Object.fromEntries(new URLSearchParams(query)) }
}
