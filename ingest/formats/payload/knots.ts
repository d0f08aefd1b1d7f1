/** One knot is 1.852 km/h by definition (ISO 80000-3); a ratio, so that digits stay exact. */
export const KMH_PER_KNOT = { times: 1852, per: 1000 } as const
