import { numbers, type TraceFormat } from './trace-format.ts'

/** Speed of a truck ten times a second, from its satellite receiver. */
export const truckSpeed: TraceFormat = {
  name: 'truck-speed',
  columns: ['epoch', 'speed', 'hdop'],
  kind: 'truck',
  read: (rows) =>
    rows.map((row) => ({
      atMs: Math.round(Number(row['epoch']) * 1000),
      data: {
        speedKmh: Number((Number(row['speed']) * 3.6).toFixed(3)),
        ...numbers({ hdop: row['hdop'] }),
      },
    })),
}
