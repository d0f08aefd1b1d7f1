import type { CourseName } from './roads.ts'
import type { TenantId } from './tenants.ts'

export interface TruckSeed {
  readonly tenant: TenantId
  readonly id: string
  readonly course: CourseName
  /** Set temperature of the cargo; null without a cooling unit. */
  readonly setC: number | null
  /** The fault of its tracker. */
  readonly fault: 'clock' | 'malformed' | 'repeating' | null
}

/** How many trucks a haulier has on each course. */
const FLEETS: readonly {
  readonly tenant: TenantId
  readonly courses: Readonly<Record<CourseName, number>>
  readonly setC: readonly (number | null)[]
}[] = [
  { tenant: 'marskfragt', courses: { e45: 7, border: 2, harbour: 3, centre: 3 }, setC: [null] },
  { tenant: 'hedetrans', courses: { e45: 5, border: 2, harbour: 2, centre: 4 }, setC: [null, 4] },
  { tenant: 'koelexpres', courses: { e45: 6, border: 2, harbour: 1, centre: 3 }, setC: [4, -20] },
]

/** Not all is well: each of these can be found on the screens. */
const FAULTS: Readonly<Record<string, TruckSeed['fault']>> = {
  'marskfragt.truck-03': 'clock',
  'hedetrans.truck-02': 'malformed',
  'koelexpres.truck-04': 'repeating',
}

export const TRUCKS: readonly TruckSeed[] = FLEETS.flatMap(({ tenant, courses, setC }) => {
  const names = Object.entries(courses).flatMap(([name, count]) =>
    // The names are those of the record above.
    Array.from({ length: count }, () => name as CourseName),
  )
  return names.map((course, at): TruckSeed => {
    const id = `truck-${String(at + 1).padStart(2, '0')}`
    const fault = FAULTS[`${tenant}.${id}`] ?? null
    return { tenant, id, course, setC: setC[at % setC.length] ?? null, fault }
  })
})
