/** The query reads more than its limit: it must be narrowed. */
export interface TooMany {
  readonly tooMany: true
  readonly limit: number
}

export function isTooMany(result: object): result is TooMany {
  return 'tooMany' in result
}
