import { numbers, type TraceFormat } from './trace-format.ts'

/** Round trips of a car over 5G with position, speed and radio (CICV5G, Zhang et al. 2025). */
export const cicv5g: TraceFormat = {
  name: 'cicv5g',
  columns: ['pub_time_ms', 'rtt_ms', 'velocity_mps', 'cell_id', 'sinr_db', 'rsrp_dbm'],
  kind: 'probe',
  read: (rows) =>
    rows.map((row) => ({
      atMs: Number(row['pub_time_ms']),
      data: {
        ...numbers({ rttMs: row['rtt_ms'] }),
        speedKmh: Number((Number(row['velocity_mps']) * 3.6).toFixed(3)),
      },
      radio: {
        rat: 'nr-sa',
        cellId: row['cell_id'] ?? '',
        ...numbers({ sinrDb: row['sinr_db'], rsrpDbm: row['rsrp_dbm'] }),
      },
    })),
}
