import { z } from 'zod'
import { functionsOf, type FunctionPlace } from './functions.ts'
import type { Source } from './sources.ts'
import { nameOf, walk } from './syntax.ts'

/*
 * A path through the code as a list of hops, kept as data and verified against the code. A hop is a
 * function of ours that is given the thing on its way, or what has become of it, alone or in a batch,
 * and hands it on or gives back its next form. A function to which it returns is not counted again.
 * What stands beside the way is no hop: rights, limits, counters, checksums, look-ups, the parts of a
 * statement or of a row; nor is what packages and Node.js do. Each function must exist, and the hop
 * before (or `calledBy`, an earlier one) must contain its name. Where it is called under another name
 * (a parameter, a method of a port, a table), `as` is that name.
 */
const Hop = z.strictObject({
  /**
   * `file:function`; where the name alone could be another's, with those around it:
   * `createReader.read`. A private method has its `#`.
   */
  at: z.string().regex(/^[^:]+:[^:]+$/),
  /** The hop that calls it, where that is not the one before. */
  calledBy: z.string().optional(),
  /** The name under which it is called, where that is not its own. */
  as: z.string().optional(),
  /** The border of threads or processes before it. Its sender need not contain its name. */
  crossing: z.string().optional(),
  /** Borders that are crossed within it, by a package or Node.js: out, and back. */
  crossingsWithin: z.array(z.string()).optional(),
})

export const HopList = z.strictObject({
  name: z.string(),
  from: z.string(),
  to: z.string(),
  hops: z.array(Hop),
})

export type HopList = z.infer<typeof HopList>

export interface HopFigures {
  readonly name: string
  readonly from: string
  readonly to: string
  readonly hops: number
  readonly files: number
  readonly crossings: number
  /** Where the list and the code disagree; a list with faults proves nothing. */
  readonly faults: readonly string[]
}

export function verifyHops(list: HopList, sources: readonly Source[]): HopFigures {
  const { name, from, to, hops } = list
  const functions = functionsByPath(list, sources)
  const faults = hops.flatMap((hop, n) => {
    const fault = placeFault(hop.at, functions) ?? callFault(list, n, functions)
    return fault === null ? [] : [`${name}, hop ${n + 1}, ${hop.at}: ${fault}`]
  })
  return {
    name,
    from,
    to,
    hops: hops.length,
    files: functions.size,
    crossings: hops.reduce(
      (sum, { crossing, crossingsWithin = [] }) =>
        sum + (crossing === undefined ? 0 : 1) + crossingsWithin.length,
      0,
    ),
    faults,
  }
}

type Functions = ReadonlyMap<string, readonly FunctionPlace[]>

function functionsByPath({ hops }: HopList, sources: readonly Source[]): Functions {
  const paths = new Set(hops.map(({ at }) => pathOf(at)))
  return new Map(
    [...paths].map((path) => {
      const source = sources.find((one) => one.path === path)
      return [path, source ? functionsOf(source) : []]
    }),
  )
}

function placesOf(at: string, functions: Functions): readonly FunctionPlace[] {
  const name = at.slice(pathOf(at).length + 1)
  const all = functions.get(pathOf(at)) ?? []
  const exact = all.filter((one) => one.name === name)
  return exact.length > 0 ? exact : all.filter((one) => one.name.endsWith(`.${name}`))
}

function placeFault(at: string, functions: Functions): string | null {
  const places = placesOf(at, functions)
  if (places.length === 1) return null
  return places.length === 0
    ? 'there is no such function'
    : `several functions have this name: ${places.map(({ name }) => name).join(', ')}`
}

/** Whether the caller of a hop contains its name. */
function callFault({ hops }: HopList, n: number, functions: Functions): string | null {
  const { at, as, calledBy, crossing } = hops[n] ?? { at: '' }
  const earlier = hops.slice(0, n).map((hop) => hop.at)
  if (calledBy !== undefined && !earlier.includes(calledBy)) return `${calledBy} is no earlier hop`
  const caller = calledBy ?? earlier.at(-1)
  if (caller === undefined) return null
  const name = as ?? at.split(/[:.]/).at(-1) ?? ''
  if (placesOf(caller, functions).some((place) => contains(place, name))) return null
  // What is sent to another thread need not name who receives it.
  return crossing !== undefined && as === undefined ? null : `${caller} does not contain ${name}`
}

function contains({ node }: FunctionPlace, name: string): boolean {
  let isFound = false
  walk(node, (inner) => {
    if (nameOf(inner) === name) isFound = true
  })
  return isFound
}

function pathOf(at: string): string {
  return at.slice(0, at.indexOf(':'))
}
