/* Written for speed: values go into typed arrays and reach DuckDB in one piece per column. */

import duckdb, { type DataChunk } from '@duckdb/node-bindings'
import { DuckDBTypeId, type DuckDBType, type DuckDBValue } from '@duckdb/node-api'

/** DuckDB's vector size: the most a data chunk holds. */
export const CHUNK_ROWS = 2048

/**
 * One column of a chunk on its way to DuckDB: values are put by row into memory of ours and copied
 * over in one piece. Item by item through the vectors of the client library takes three times as long.
 */
export interface ChunkColumn {
  /** Forgets the values of the chunk before. */
  clear(): void
  /** Sets the value of a row; rows without one are NULL. Values fit the type of the column. */
  put(row: number, value: DuckDBValue): void
  /** Copies the first `rows` rows over. */
  flush(rows: number): void
  /** The chunk was reset: what DuckDB's side holds is unknown. */
  forget(): void
}

export function createChunkColumn(chunk: DataChunk, at: number, type: DuckDBType): ChunkColumn {
  const memory = memoryOf(type)
  const validity = new Uint8Array(CHUNK_ROWS / 8)
  /** Something was put since `clear`. */
  let isUsed = false
  /** DuckDB's side is NULL throughout. */
  let isNull = false

  return {
    clear() {
      if (isUsed) validity.fill(0)
      isUsed = false
      memory.clear()
    },
    put(row, value) {
      if (value === null) return
      isUsed = true
      validity[row >> 3] = (validity[row >> 3] ?? 0) | (1 << (row & 7))
      memory.put(row, value)
    },
    flush(rows) {
      // Most fields of a kind are absent in most readings: what is NULL already is left alone.
      if (!isUsed && isNull) return
      const vector = duckdb.data_chunk_get_vector(chunk, at)
      duckdb.vector_ensure_validity_writable(vector)
      const known = isUsed ? Math.ceil(rows / 64) * 8 : validity.length
      duckdb.copy_data_to_vector_validity(vector, 0, validity.buffer, 0, known)
      isNull = !isUsed
      if (!isUsed) return
      const { data, bytesPerRow, texts } = memory
      duckdb.copy_data_to_vector(vector, 0, data, 0, rows * bytesPerRow)
      for (const { row, text } of texts) duckdb.vector_assign_string_element(vector, row, text)
    },
    forget() {
      isNull = false
    },
  }
}

interface LongText {
  readonly row: number
  readonly text: string
}

/** Values of one column in the layout of DuckDB's vectors (little endian). */
interface Memory {
  readonly data: ArrayBuffer
  readonly bytesPerRow: number
  /** Texts that do not fit into their slot: DuckDB keeps them itself. */
  readonly texts: readonly LongText[]
  clear(): void
  put(row: number, value: DuckDBValue): void
}

const NO_TEXTS: readonly LongText[] = []
const nothing = () => undefined

function memoryOf(type: DuckDBType): Memory {
  switch (type.typeId) {
    case DuckDBTypeId.DOUBLE:
      return numbers(new Float64Array(CHUNK_ROWS))
    case DuckDBTypeId.INTEGER:
      return numbers(new Int32Array(CHUNK_ROWS))
    case DuckDBTypeId.BOOLEAN:
      return numbers(new Uint8Array(CHUNK_ROWS))
    case DuckDBTypeId.BIGINT:
    case DuckDBTypeId.UBIGINT:
      return wholeNumbers()
    case DuckDBTypeId.VARCHAR:
      return textSlots()
    default:
      throw new TypeError(`no column of type ${String(type)} is written in chunks`)
  }
}

function numbers(
  values: Float64Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>,
): Memory {
  return {
    data: values.buffer,
    bytesPerRow: values.BYTES_PER_ELEMENT,
    texts: NO_TEXTS,
    clear: nothing,
    put(row, value) {
      values[row] = Number(value)
    },
  }
}

const TWO_32 = 2 ** 32

/** 64 bits; a safe integer is split into halves, which spares making a bigint of it. */
function wholeNumbers(): Memory {
  const values = new BigInt64Array(CHUNK_ROWS)
  const halves = new Int32Array(values.buffer)
  return {
    data: values.buffer,
    bytesPerRow: 8,
    texts: NO_TEXTS,
    clear: nothing,
    put(row, value) {
      if (typeof value === 'number') {
        halves[2 * row] = value
        halves[2 * row + 1] = Math.floor(value / TWO_32)
      } else if (typeof value === 'bigint') values[row] = value
    },
  }
}

/** Bytes of a text that is stored in its slot itself (`duckdb_string_t` of the C API). */
const INLINE_BYTES = 12
/** Short texts repeat: networks, cells, channels, states. */
const KNOWN_TEXTS = 4096

function textSlots(): Memory {
  const slots = new Int32Array(4 * CHUNK_ROWS)
  const known = new Map<string, Int32Array | null>()
  const texts: LongText[] = []
  return {
    data: slots.buffer,
    bytesPerRow: 16,
    texts,
    clear() {
      texts.length = 0
      // A slot must never point to a text that DuckDB has freed.
      slots.fill(0)
    },
    put(row, value) {
      if (typeof value !== 'string') return
      const slot = slotOf(value)
      if (slot === null) texts.push({ row, text: value })
      else slots.set(slot, 4 * row)
    },
  }

  /** The slot of a short text; null when it is too long for one. */
  function slotOf(text: string): Int32Array | null {
    if (text.length > INLINE_BYTES) return null
    const found = known.get(text)
    if (found !== undefined) return found
    if (known.size >= KNOWN_TEXTS) known.clear()
    const bytes = Buffer.from(text, 'utf8')
    let slot: Int32Array | null = null
    if (bytes.length <= INLINE_BYTES) {
      const made = new Uint8Array(16)
      made.set(bytes, 4)
      slot = new Int32Array(made.buffer)
      slot[0] = bytes.length
    }
    known.set(text, slot)
    return slot
  }
}
