interface SampleProblem {
  readonly path: string
  readonly expected: string
  readonly got: string
}

/** Longer than any name a meter has; names are shown in rejections. */
const MAX_NAME_LENGTH = 32
const PART = /^([A-Za-z][A-Za-z0-9_]*)=(.*)$/

/** The parts of a sample, `t1=23.61 C&e1=56.726 MWh&`, each name once. */
export function partsOf(sample: string): ReadonlyMap<string, string> | SampleProblem {
  const parts = new Map<string, string>()
  for (const part of sample.split('&')) {
    const piece = part.trim()
    if (piece === '') continue
    const [, name = '', text = ''] = PART.exec(piece) ?? []
    if (name === '' || name.length > MAX_NAME_LENGTH) {
      const got = JSON.stringify(piece.slice(0, MAX_NAME_LENGTH))
      return { path: '', expected: 'parts such as e1=56.726 MWh, with & between them', got }
    }
    if (parts.has(name)) {
      return { path: name, expected: 'each name once', got: 'the same name twice' }
    }
    parts.set(name, text)
  }
  return parts
}

/** A decimal and the unit after it, '' where there is none. */
export interface Quantity {
  readonly value: number
  readonly unit: string
}

const QUANTITY = /^(-?\d{1,20}(?:\.\d{1,20})?)(?:\s*(\S{1,16}))?$/

export function quantityOf(text: string): Quantity | null {
  const [, digits, unit = ''] = QUANTITY.exec(text.trim()) ?? []
  return digits === undefined ? null : { value: Number(digits), unit }
}
