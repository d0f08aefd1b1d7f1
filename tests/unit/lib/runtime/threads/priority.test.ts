import { execFileSync } from 'node:child_process'
import { getPriority } from 'node:os'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'

const MODULE = new URL('../../../../../lib/runtime/threads/priority.ts', import.meta.url).href

describe.runIf(process.platform === 'linux')('the priority of a thread', () => {
  it('is lowered for that thread alone', async () => {
    const before = getPriority()
    const code = `
      import { readlinkSync } from 'node:fs'
      import { getPriority } from 'node:os'
      import { parentPort } from 'node:worker_threads'
      const { lowerOwnPriority } = await import('${MODULE}')
      const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1))
      parentPort.postMessage({ done: lowerOwnPriority(5), mine: getPriority(thread) })`
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`))
    const told = await new Promise((resolve, reject) => {
      worker.on('message', resolve).on('error', reject)
    })
    await worker.terminate()
    expect(told).toEqual({ done: true, mine: 5 })
    expect(getPriority()).toBe(before)
  })

  it('is never changed for the whole process', () => {
    const script = `
      import { getPriority } from 'node:os'
      const { lowerOwnPriority } = await import('${MODULE}')
      const before = getPriority()
      console.log(lowerOwnPriority(5), getPriority() === before)`
    const node = [process.execPath, ['--input-type=module', '-e', script]] as const
    expect(execFileSync(...node).toString()).toBe('false true\n')
  })

  it.each(['node-V8Worker', 'libuv-worker'])(
    'of all %s threads is lowered for them alone',
    (name) => {
      const script = `
      import { readFileSync, readdirSync } from 'node:fs'
      import { stat } from 'node:fs/promises'
      import { getPriority } from 'node:os'
      const { lowerSharedPriority } = await import('${MODULE}')
      await stat('.')
      const n = lowerSharedPriority('${name}', 10)
      const lowered = readdirSync('/proc/self/task').filter((task) => getPriority(Number(task)) === 10)
      const names = lowered.map((task) => readFileSync('/proc/self/task/' + task + '/comm', 'utf8').trim())
      console.log(n > 0, n === lowered.length, [...new Set(names)].join(), getPriority())`
      const node = [process.execPath, ['--input-type=module', '-e', script]] as const
      expect(execFileSync(...node).toString()).toBe(`true true ${name} 0\n`)
    },
  )
})
