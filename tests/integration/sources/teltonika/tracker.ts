import { connect, type Socket } from 'node:net'
import { crc16 } from '../../../../ingest/formats/teltonika-codec8/crc16.ts'
import { waitFor } from '../../../support/wait-for.ts'

/** A tracker as it speaks over TCP: what it has been told, byte by byte. */
export interface TestTracker {
  readonly socket: Socket
  send(bytes: Uint8Array): void
  /** The bytes that came, from the first. */
  answered(): Buffer
  /** Waits for so many bytes and answers them. */
  bytes(count: number): Promise<Buffer>
  readonly isClosed: boolean
  closed(): Promise<boolean>
  end(): void
}

export async function connectTracker(port: number): Promise<TestTracker> {
  const socket = connect({ port, host: '127.0.0.1' })
  let answers: Buffer = Buffer.alloc(0)
  let isClosed = false
  socket.on('data', (bytes: Buffer) => (answers = Buffer.concat([answers, bytes])))
  socket.on('error', () => socket.destroy())
  socket.on('close', () => (isClosed = true))
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('close', () => reject(new Error('the connection was closed')))
  })
  return {
    socket,
    send: (bytes) => void socket.write(bytes),
    answered: () => answers,
    async bytes(count) {
      await waitFor(() => answers.length >= count || isClosed, { what: `${count} bytes` })
      return answers.subarray(0, count)
    },
    get isClosed() {
      return isClosed
    },
    closed: () => waitFor(() => isClosed, { what: 'the end of the connection' }),
    end: () => void socket.destroy(),
  }
}

export function loginOf(imei: string): Buffer {
  return Buffer.concat([Buffer.of(0, imei.length), Buffer.from(imei)])
}

/** A packet of Codec 8 with one record, without values, for each time. */
export function packetOf(...timesMs: readonly number[]): Buffer {
  const records = timesMs.map((ms) => {
    const bytes = Buffer.alloc(30)
    bytes.writeBigUInt64BE(BigInt(ms), 0)
    bytes.writeInt32BE(93_577_000, 9)
    bytes.writeInt32BE(548_253_000, 13)
    bytes.writeInt16BE(38, 17)
    bytes.writeUInt8(9, 21)
    bytes.writeUInt16BE(62, 22)
    return bytes
  })
  const data = Buffer.concat([Buffer.of(8, records.length), ...records, Buffer.of(records.length)])
  const head = Buffer.alloc(8)
  head.writeUInt32BE(data.length, 4)
  const tail = Buffer.alloc(4)
  tail.writeUInt32BE(crc16(data))
  return Buffer.concat([head, data, tail])
}
