import {
  EXIT,
  UsageError,
  runCommand,
  tableOf,
  type Given,
  type Outcome,
} from '#lib/runtime/command.ts'
import { PlatformError } from '#lib/runtime/errors.ts'
import {
  DATA_DIR_OPTION,
  NOT_RUNNING,
  dataDirOf,
  refusalReason,
  requestLocal,
} from './local-platform.ts'

const COMMAND = {
  name: 'replay',
  summary: `Processes messages again after the cause of their rejection was fixed, in the platform that runs.
Give --ids, or --reason and --device (either or both), or --positions.`,
  options: {
    ids: { value: '4711.0,...', about: 'rejections by id' },
    reason: { value: 'schema,...', about: 'every rejection of these reasons' },
    device: { value: 'ID,...', about: 'every rejection of these devices' },
    positions: { value: '100-200', about: 'journal positions, both included' },
    'data-dir': DATA_DIR_OPTION,
  },
  examples: [
    '--ids 4711.0,4712.1',
    '--reason unknown_device --device acme.t1',
    '--positions 100-200',
  ],
} as const

type Name = keyof typeof COMMAND.options

async function replay({ texts }: Given<Name>): Promise<Outcome> {
  const { ids, reason, device, positions } = texts
  const filter = reason !== undefined || device !== undefined
  if ([ids !== undefined, filter, positions !== undefined].filter(Boolean).length !== 1) {
    throw new UsageError('expected one of --ids, --reason and --device, --positions')
  }
  const wanted = ids?.split(',')
  const body = {
    ...(wanted === undefined ? {} : { ids: wanted }),
    ...(filter ? { filter: { reason, device } } : {}),
    ...(positions === undefined ? {} : { positions: rangeOf(positions) }),
  }
  const result = await post(dataDirOf(texts['data-dir']), body)
  const sum = result.recovered + result.again + result.duplicate
  const missing = wanted === undefined ? 0 : Math.max(0, wanted.length - sum)
  const table = tableOf([
    ['recovered', 'rejected again', 'duplicate'],
    [result.recovered, result.again, result.duplicate],
  ])
  const text = missing === 0 ? table : `${table}\n${missing} of the ids are no open rejections.`
  return { text, json: { ...result, missing }, code: missing > 0 ? EXIT.failed : 0 }
}

function rangeOf(positions: string): { readonly from: number; readonly to: number } {
  const range = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(positions)
  if (!range) {
    throw new UsageError(`--positions ${positions}: expected two positions such as 100-200`)
  }
  return { from: Number(range[1]), to: Number(range[2] ?? range[1]) }
}

interface Replayed {
  readonly recovered: number
  readonly again: number
  readonly duplicate: number
}

async function post(dir: string, body: object): Promise<Replayed> {
  const answer = await requestLocal(dir, '/rejections/replay', { body: JSON.stringify(body) })
  if (answer === NOT_RUNNING) {
    throw new PlatformError(
      'REPLAY_FAILED',
      `${dir}: expected a platform that runs on this directory, there is none; start it, or name ` +
        'another directory with --data-dir',
    )
  }
  if (!answer.ok) throw new PlatformError('REPLAY_FAILED', await refusalReason(answer))
  return (await answer.json()) as Replayed
}

if (import.meta.main) process.exit(await runCommand(COMMAND, process.argv.slice(2), replay))
