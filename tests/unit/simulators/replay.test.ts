import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readTrace, timetable } from '../../../simulators/replay/read-trace.ts'
import { temporaryDir } from '../../support/platform.ts'

const CICV5G = `pub_time_ms,sub_time_ms,rtt_ms,utm_x_m,utm_y_m,heading_rad,velocity_mps,cell_id,sinr_db,rsrp_dbm
1000,1025,25,1,2,0.5,10,5C422503D,14,-86
1105,1127,22,1,2,0.5,10.5,5C422503D,14,-86
`

describe('a recorded trace', () => {
  const dir = temporaryDir('trace')
  afterAll(() => dir.remove())

  it('of round trips becomes probe readings with radio', () => {
    const { format, readings } = readTrace(file('a.csv', CICV5G))
    expect(format.kind).toBe('probe')
    expect(readings[1]).toEqual({
      atMs: 1105,
      data: { rttMs: 22, speedKmh: 37.8 },
      radio: { rat: 'nr-sa', cellId: '5C422503D', sinrDb: 14, rsrpDbm: -86 },
    })
  })

  it('of a truck gives a reading per signal, at the time its delays add up to', () => {
    const text = `field,signal,value,delay
current,Vehicle.VehicleIdentification.VIN,YV2TEST0000000001,0.5
current,Vehicle.Speed,12.5,0.25
current,Vehicle.Tachograph.Driver.Driver1.WorkingState,DRIVE,0.25
`
    expect(readTrace(file('b.csv', text)).readings).toEqual([
      { atMs: 500, data: { speedKmh: 12.5 } },
      { atMs: 750, data: { driverState: 'DRIVE' } },
    ])
  })

  it('of a heat meter shows whole kWh and hundredths of a cubic metre', () => {
    const text = `customer_id,meter_id,time_rounded,energy_heat_kwh,volume_flow_m3,inlet_flow_energy_m3xC,back_flow_energy_m3xC
772,660,2018-01-02T23:00:00Z,5347.614,113.9913,8246.4,3528.8
`
    expect(readTrace(file('c.csv', text)).readings).toEqual([
      {
        atMs: Date.UTC(2018, 0, 2, 23),
        data: { energyKwh: 5347, volumeM3: 113.99, e8M3c: 8246.4, e9M3c: 3528.8 },
      },
    ])
  })

  it('of speeds is recognized by its columns; another file is refused with the expected columns', () => {
    const speed = readTrace(file('d.csv', 'epoch,speed,hdop\n1631521503.771,10,0.5\n'))
    expect(speed.readings).toEqual([{ atMs: 1_631_521_503_771, data: { speedKmh: 36, hdop: 0.5 } }])
    expect(() => readTrace(file('e.csv', 'a,b\n1,2\n'))).toThrow(/expected the columns of cicv5g/)
    expect(() => readTrace(join(dir.path, 'none.csv'))).toThrow(/expected a readable file/)
  })

  it('ends at the moment its last row is sent, or keeps its times', () => {
    const { readings } = readTrace(file('f.csv', CICV5G))
    const startMs = 50_000
    expect(timetable(readings, { speed: null, keepTimes: false, startMs })).toEqual([
      { afterMs: 0, tsMs: 49_895 },
      { afterMs: 0, tsMs: 50_000 },
    ])
    expect(timetable(readings, { speed: 0.5, keepTimes: false, startMs })).toEqual([
      { afterMs: 0, tsMs: 50_105 },
      { afterMs: 210, tsMs: 50_210 },
    ])
    expect(timetable(readings, { speed: null, keepTimes: true, startMs }).at(-1)?.tsMs).toBe(1105)
  })

  function file(name: string, text: string): string {
    const path = join(dir.path, name)
    writeFileSync(path, text)
    return path
  }
})
