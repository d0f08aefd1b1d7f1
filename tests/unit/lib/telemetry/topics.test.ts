import { describe, expect, it } from 'vitest'
import { matchesFilter, nativeTopic, parseNativeTopic } from '#lib/telemetry/topics.ts'

describe('a native topic', () => {
  it('is made of a full id and a channel, and taken apart again', () => {
    expect(nativeTopic('acme.t1', 'clock/request')).toBe('padborg/v1/acme/t1/clock/request')
    expect(parseNativeTopic('padborg/v1/acme/t1/clock/request')).toEqual({
      tenant: 'acme',
      device: 'acme.t1',
      channel: 'clock/request',
    })
  })

  it.each([
    '',
    'padborg/v1/',
    'padborg/v1/acme',
    'padborg/v1/acme/t1',
    'padborg/v1/acme/t1/',
    'padborg/v1//t1/telemetry',
    'padborg/v1/acme//telemetry',
    'padborg/v1/acme.t1/t1/telemetry',
    'padborg/v1/acme/t.1/telemetry',
    'padborg/v1/-acme/t1/telemetry',
    'padborg/v1/acme/+/telemetry',
    `padborg/v1/acme/${'x'.repeat(64)}/telemetry`,
    'padborg/v2/acme/t1/telemetry',
    '/padborg/v1/acme/t1/telemetry',
    'Padborg/v1/acme/t1/telemetry',
    'padborg/v1/acme/t1\n/telemetry',
  ])('is not %j', (topic) => {
    expect(parseNativeTopic(topic)).toBeNull()
  })
})

describe('a filter', () => {
  // The examples of MQTT 3.1.1, 4.7.1 and 4.7.2, and the corners beside them.
  it.each<[string, string, boolean]>([
    ['sport/tennis/player1/#', 'sport/tennis/player1', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/ranking', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon', true],
    ['sport/#', 'sport', true],
    ['sport/#', 'sports', false],
    ['sport/tennis/+', 'sport/tennis/player1', true],
    ['sport/tennis/+', 'sport/tennis/player1/ranking', false],
    ['sport/+', 'sport', false],
    ['sport/+', 'sport/', true],
    ['+/+', '/finance', true],
    ['/+', '/finance', true],
    ['+', '/finance', false],
    ['#', '/finance', true],
    ['#', '$SYS/monitor', false],
    ['+/monitor/Clients', '$SYS/monitor/Clients', false],
    ['$SYS/#', '$SYS/monitor/Clients', true],
    ['$SYS/monitor/+', '$SYS/monitor/Clients', true],
    ['a/b', 'a/b', true],
    ['a/b', 'a/B', false],
    ['a/b', 'a/b/', false],
    ['a/b/c', 'a/b', false],
    ['a/+/#', 'a', false],
    ['a/+/#', 'a/b', true],
    ['a/#', 'a/$b', true],
  ])('%s matches %s: %s', (filter, topic, matches) => {
    expect(matchesFilter(filter, topic)).toBe(matches)
  })
})
