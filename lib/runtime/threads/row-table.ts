/**
 * Rows of similar objects by column. A message between threads is copied value by value, and each object
 * repeats its names: a thousand readings as a table take a third of the time they take as objects.
 */
export interface RowTable {
  readonly shapes: readonly Shape[]
  /** Per row the index of its shape; NO_ROW for null. */
  readonly shapeOf: Uint8Array
}

/** The names of rows that have the same ones in the same order, and their values. */
interface Shape {
  readonly names: readonly string[]
  readonly columns: readonly Column[]
}

type Column = { readonly values: readonly unknown[] } | { readonly rows: RowTable }

const NO_ROW = 255
/** Rows that differ more are sent as objects. */
const MAX_SHAPES = 32

interface ShapeBuilder {
  readonly names: readonly string[]
  readonly values: readonly unknown[][]
}

/** The table of rows that are plain objects or null; null when they are something else, or too different. */
export function toRowTable(rows: readonly unknown[]): RowTable | null {
  const shapes: ShapeBuilder[] = []
  const shapeOf = new Uint8Array(rows.length).fill(NO_ROW)
  let last = 0
  for (const [at, row] of rows.entries()) {
    if (row === null) continue
    if (!isPlain(row)) return null
    const known = shapes[last]
    if (!known || !hasShape(row, known)) {
      last = shapes.findIndex((shape) => hasShape(row, shape))
      if (last < 0) last = addShape(shapes, row)
      if (last >= MAX_SHAPES || Object.hasOwn(row, '__proto__')) return null
    }
    shapeOf[at] = last
    const shape = shapes[last]
    if (!shape) return null
    for (const [index, name] of shape.names.entries()) shape.values[index]?.push(row[name])
  }
  return {
    shapes: shapes.map(({ names, values }) => ({ names, columns: values.map(columnOf) })),
    shapeOf,
  }
}

/** The rows of a table, as they were. */
export function fromRowTable({ shapes, shapeOf }: RowTable): unknown[] {
  const columns = shapes.map((shape) =>
    shape.columns.map((column) => ('rows' in column ? fromRowTable(column.rows) : column.values)),
  )
  const taken = shapes.map(() => 0)
  return Array.from(shapeOf, (index) => {
    const names = shapes[index]?.names
    if (!names) return null
    const at = taken[index] ?? 0
    taken[index] = at + 1
    const row: Record<string, unknown> = {}
    for (const [place, name] of names.entries()) row[name] = columns[index]?.[place]?.[at]
    return row
  })
}

/** Objects within rows are rows again; single values of other kinds stay as they are. */
function columnOf(values: readonly unknown[]): Column {
  const first = values.find((value) => value !== null)
  const rows = isPlain(first) ? toRowTable(values) : null
  return rows ? { rows } : { values }
}

function addShape(shapes: ShapeBuilder[], row: Readonly<Record<string, unknown>>): number {
  const names = Object.keys(row)
  return shapes.push({ names, values: names.map(() => []) }) - 1
}

function hasShape(row: Readonly<Record<string, unknown>>, { names }: ShapeBuilder): boolean {
  let at = 0
  for (const name in row) {
    if (names[at] !== name) return false
    at += 1
  }
  return at === names.length
}

export function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
  )
}
