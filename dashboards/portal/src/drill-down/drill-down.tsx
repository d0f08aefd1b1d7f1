import { hashOf, type Route } from '../links/route.ts'
import { ReadingsSheet } from './readings-sheet.tsx'
import { RejectionSheet } from './rejection-sheet.tsx'

/** The data behind a figure, in a sheet over the page, as the address says. */
export function DrillDown({ route }: { readonly route: Route }) {
  const { page, parameters } = route
  const close = () => {
    location.hash = hashOf({ page, parameters: {} })
  }
  if (parameters['show'] === 'readings') {
    return <ReadingsSheet parameters={parameters} onClose={close} />
  }
  if (parameters['show'] === 'rejection') {
    return <RejectionSheet parameters={parameters} onClose={close} />
  }
  return null
}
