/*
 * The part of the tar format that a backup needs: regular files of POSIX ustar, and the base-256
 * sizes of GNU tar for files from 8 GiB on, so that `tar tf` reads what is written here.
 */

export const BLOCK_BYTES = 512

export interface TarHeader {
  readonly name: string
  readonly bytes: number
  /** `0` is a regular file; links and folders have other digits. */
  readonly type: string
}

const NAME_BYTES = 100
/** Eleven octal digits. */
const MAX_OCTAL = 8 ** 11 - 1

export function encodeTarHeader(
  { name, bytes }: Pick<TarHeader, 'name' | 'bytes'>,
  mtimeS: number,
): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES)
  if (Buffer.byteLength(name) > NAME_BYTES) {
    throw new RangeError(`expected a name of at most ${NAME_BYTES} bytes, got ${name}`)
  }
  block.write(name, 0)
  // It holds hashes and secrets: unpacked by hand, a file is readable for its owner alone.
  block.write('0000600\0', 100)
  block.write('0000000\0', 108)
  block.write('0000000\0', 116)
  writeSize(block, bytes)
  block.write(`${octal(mtimeS, 11)}\0`, 136)
  block.write('0', 156)
  block.write('ustar\0', 257)
  block.write('00', 263)
  block.write(`${octal(sumOf(block), 6)}\0 `, 148)
  return block
}

/** The header in a block; null for an empty block, which is the end. Throws RangeError for any other. */
export function decodeTarHeader(block: Buffer): TarHeader | null {
  if (block.every((byte) => byte === 0)) return null
  if (Number.parseInt(textAt(block, 148, 8), 8) !== sumOf(block)) {
    throw new RangeError('a header of the archive does not match its checksum')
  }
  const prefix = textAt(block, 345, 155)
  const name = textAt(block, 0, NAME_BYTES)
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    bytes: readSize(block),
    type: textAt(block, 156, 1) || '0',
  }
}

/** Zeros from the end of a file to the next block. */
export function paddingOf(bytes: number): Buffer {
  return Buffer.alloc((BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES)
}

function writeSize(block: Buffer, bytes: number): void {
  if (bytes <= MAX_OCTAL) {
    block.write(`${octal(bytes, 11)}\0`, 124)
    return
  }
  block[124] = 0x80
  block.writeBigUInt64BE(BigInt(bytes), 128)
}

function readSize(block: Buffer): number {
  const size =
    (block[124] ?? 0) & 0x80
      ? Number(block.readBigUInt64BE(128))
      : Number.parseInt(textAt(block, 124, 12).trim() || '0', 8)
  if (Number.isSafeInteger(size) && size >= 0) return size
  throw new RangeError('a header of the archive holds no size')
}

/** The sum of all bytes with blanks in place of the sum itself. */
function sumOf(block: Buffer): number {
  let sum = 8 * 0x20
  for (let at = 0; at < BLOCK_BYTES; at += 1) {
    if (at < 148 || at >= 156) sum += block[at] ?? 0
  }
  return sum
}

function textAt(block: Buffer, start: number, bytes: number): string {
  const [text = ''] = block.toString('latin1', start, start + bytes).split('\0', 1)
  return text
}

function octal(value: number, digits: number): string {
  return Math.floor(value).toString(8).padStart(digits, '0')
}
