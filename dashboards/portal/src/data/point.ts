/** A place on the map. */
export type Point = readonly [lon: number, lat: number]
