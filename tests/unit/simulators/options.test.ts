import { describe, expect, it } from 'vitest'
import { readGiven } from '#lib/runtime/command.ts'
import { COMMAND, simulateArguments } from '../../../simulators/options.ts'

const THERE = ['--url', 'mqtt://h:1', '--api', 'http://h:2', '--key', 'pbk_x']

const readArguments = (args: readonly string[]) => simulateArguments(readGiven(COMMAND, args).given)

describe('the arguments of npm run simulate', () => {
  it('are read with their defaults', () => {
    expect(readArguments(['fleet', ...THERE, '--devices', '5'])).toMatchObject({
      scenario: 'fleet',
      target: { mqttUrl: 'mqtt://h:1', apiUrl: 'http://h:2', key: 'pbk_x' },
      devices: 5,
      rate: 100,
      seconds: 10,
      seed: 1,
      speed: null,
    })
  })

  it.each([
    [[...THERE], /expected one of fleet/],
    [['fleet', ...THERE, '--rate', '0'], /--rate 0/],
    [['fleet', ...THERE, '--devices', 'many'], /--devices many/],
    [['replay', ...THERE], /--trace/],
    [['replay', '--trace', 'x.csv', ...THERE, '--speed', '0'], /--speed 0/],
    [['fleet', '--data-dir', '/nowhere'], /--url, --api, --key/],
    [['fleet', ...THERE, '--colour'], /colour/],
  ])('%j is a problem that says what to do', (args, expected) => {
    expect(() => readArguments(args)).toThrow(expected)
  })

  it('never sends the token of this machine to another address', () => {
    const args = ['fleet', '--api', 'http://elsewhere:1', '--url', 'mqtt://e:1']
    expect(() => readArguments(args)).toThrow(/--key/)
  })
})
