/* Written for speed: numbers of 53 bits without a BigInt. */

/** Bytes with a DataView over the same memory: numbers go through the view, runs of bytes beside it. */
export interface Slab {
  readonly bytes: Buffer
  readonly view: DataView
}

/** New memory, shared with the thread that writes it to disk. */
export function createSlab(size: number): Slab {
  return slabOf(Buffer.from(new SharedArrayBuffer(size)))
}

export function slabOf(bytes: Buffer): Slab {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) }
}

const TWO_32 = 2 ** 32

/** Writes a safe integer as 64 bits, little endian, without a BigInt. */
export function setUint53(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true)
  view.setUint32(at + 4, Math.floor(value / TWO_32), true)
}

/** Reads 64 bits, little endian; what is above 2^53 is not exact, and no writer of ours makes it. */
export function getUint53(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_32
}
