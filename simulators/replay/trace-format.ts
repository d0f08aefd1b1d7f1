/** A row of a CSV file by the names of its columns. */
export type Row = Readonly<Record<string, string>>

/** What was measured at a moment, as a native reading. */
export interface TraceReading {
  readonly atMs: number
  readonly data: Readonly<Record<string, number | string>>
  readonly radio?: Readonly<Record<string, number | string>>
}

/** A kind of recording, recognized by the columns of its file. */
export interface TraceFormat {
  readonly name: string
  readonly columns: readonly string[]
  /** Kind of the readings, and of the device that sends them. */
  readonly kind: string
  readonly settings?: Readonly<Record<string, unknown>>
  /** In order of time. */
  read(rows: readonly Row[]): TraceReading[]
}

/** Fields with a number; cells that hold none are left out. */
export function numbers(
  cells: Readonly<Record<string, string | undefined>>,
): Record<string, number> {
  const data: Record<string, number> = {}
  for (const [name, cell] of Object.entries(cells)) {
    const value = Number(cell)
    if (cell !== undefined && cell.trim() !== '' && Number.isFinite(value)) data[name] = value
  }
  return data
}
