import { parseArgs } from 'node:util'
import { PlatformError } from '#lib/runtime/errors.ts'
import { NOT_RUNNING, postLocal, dataDirOf, refusalReason, runTool } from './local-platform.ts'

const USAGE = `npm run replay -- [--data-dir DIR] and one of

  --ids 4711.0,4712.1               rejections by id
  --reason schema,kind --device ID  every rejection of these reasons, of these devices (either or both)
  --positions 100-200               journal positions, both included

Processes messages again after the cause of their rejection was fixed, in the platform that runs.
`

async function replay(): Promise<string | readonly string[]> {
  const { values } = parseArgs({
    options: {
      'data-dir': { type: 'string' },
      ids: { type: 'string' },
      reason: { type: 'string' },
      device: { type: 'string' },
      positions: { type: 'string' },
    },
  })
  const { ids, reason, device, positions } = values
  const filter = reason !== undefined || device !== undefined
  if ([ids !== undefined, filter, positions !== undefined].filter(Boolean).length !== 1) {
    return ['expected one of --ids, --reason and --device, --positions']
  }
  const range = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(positions ?? '0')
  if (!range) return [`--positions ${positions}: expected two positions such as 100-200`]
  const body = {
    ...(ids === undefined ? {} : { ids: ids.split(',') }),
    ...(filter ? { filter: { reason, device } } : {}),
    ...(positions === undefined
      ? {}
      : { positions: { from: Number(range[1]), to: Number(range[2] ?? range[1]) } }),
  }
  const dir = dataDirOf(values['data-dir'])
  const answer = await postLocal(dir, '/rejections/replay', body)
  if (answer === NOT_RUNNING) {
    throw new PlatformError(
      'REPLAY_FAILED',
      `${dir}: expected a platform that runs on this directory, there is none; start it, or name ` +
        'another directory with --data-dir',
    )
  }
  if (!answer.ok) throw new PlatformError('REPLAY_FAILED', await refusalReason(answer))
  return await answer.text()
}

if (import.meta.main) process.exit(await runTool(USAGE, replay))
