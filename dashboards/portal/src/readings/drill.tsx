import type { Place } from '../frame/router.ts'
import { hashOf } from '../frame/router.ts'
import { ReadingsSheet } from './readings-sheet.tsx'
import { RejectionSheet } from './rejection-sheet.tsx'

/** What stands behind a figure, over the page, as the address says. */
export function Drill({ place }: { readonly place: Place }) {
  const { page, parameters } = place
  const close = () => {
    location.hash = hashOf({ page, parameters: {} })
  }
  if (parameters['show'] === 'readings') {
    return <ReadingsSheet wanted={parameters} onClose={close} />
  }
  if (parameters['show'] === 'rejection') {
    return <RejectionSheet wanted={parameters} onClose={close} />
  }
  return null
}
