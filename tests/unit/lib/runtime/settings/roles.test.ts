import { describe, expect, it } from 'vitest'
import { chooseRoles, type Role, type RoleSettings } from '#lib/runtime/settings/roles.ts'

const INFLUX = { PADBORG_STORE: 'influx:' }
const FOREIGN = { ...INFLUX, PADBORG_MQTT_URL: 'mqtt://broker' }
const ELSEWHERE = { ...INFLUX, PADBORG_INGEST_URL: 'http://127.0.0.1:8090' }

function chosen(given: readonly Role[], settings: RoleSettings = {}) {
  const { roles, problems } = chooseRoles(given, settings)
  return { roles: [...roles], problems }
}

describe('the roles of a process', () => {
  it('are all without arguments, and a foreign broker takes the place of the built-in one', () => {
    expect(chosen([])).toEqual({ roles: ['broker', 'ingest', 'api'], problems: [] })
    const { PADBORG_MQTT_URL } = FOREIGN
    expect(chosen([], { PADBORG_MQTT_URL })).toEqual({ roles: ['ingest', 'api'], problems: [] })
  })

  it.each<[Role[], RoleSettings]>([
    [['broker', 'ingest'], INFLUX],
    [['broker', 'ingest', 'api'], {}],
    [['ingest'], FOREIGN],
    [['ingest', 'api'], FOREIGN],
    [['ingest', 'api'], { PADBORG_MQTT_URL: 'mqtt://broker' }],
    [['api'], ELSEWHERE],
    // One .env for both processes of a machine.
    [['broker', 'ingest'], ELSEWHERE],
    [['api'], { ...FOREIGN, ...ELSEWHERE }],
  ])('may be %j with %j', (given, settings) => {
    expect(chosen(given, settings)).toEqual({ roles: given, problems: [] })
  })

  it.each<[Role[], RoleSettings, RegExp]>([
    [['api'], {}, /PADBORG_STORE=duckdb: one process holds all roles/],
    [['broker', 'ingest'], {}, /PADBORG_STORE=duckdb: one process holds all roles/],
    [['broker'], INFLUX, /add the role ingest/],
    [['broker', 'ingest'], FOREIGN, /leave the role broker or the setting out/],
    [['ingest'], INFLUX, /add the role broker, or set PADBORG_MQTT_URL/],
    [['api'], INFLUX, /set PADBORG_INGEST_URL/],
    [['ingest', 'api'], { ...FOREIGN, ...ELSEWHERE }, /leave the setting or the role ingest out/],
  ])('may not be %j with %j: one line says why', (given, settings, why) => {
    const { problems } = chosen(given, settings)
    expect(problems.some((problem) => why.test(problem))).toBe(true)
    for (const problem of problems) {
      expect(problem).toMatch(/^roles [a-z ]+: /)
      expect(problem).not.toContain('\n')
    }
  })
})
