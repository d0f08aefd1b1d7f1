import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, readdirSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openDataDir, readRunFile } from '#lib/runtime/data-dir.ts'
import { waitFor } from '../support/wait-for.ts'
import { createReadableLog, refusal, temporaryFolder } from '../unit/lib/registry/test-registry.ts'

/** What several processes see of one data directory. */
const MODULE = new URL('../../lib/runtime/data-dir.ts', import.meta.url).href
const { log: quiet } = createReadableLog()

/** A program that opens the directory given to it. */
function program(then: string): string[] {
  const text = `
    const { openDataDir } = await import(${JSON.stringify(MODULE)})
    if (process.getuid() === 0 && process.env.DROP) process.seteuid(65534)
    const dir = openDataDir(process.env.DIR, { warn() {} })
    ${then}`
  return ['--input-type=module', '-e', text]
}

describe('a data directory of several processes', () => {
  it('must be writable for its user', () => {
    const path = temporaryFolder()
    chmodSync(path, 0o500)
    const env = { ...process.env, DIR: path, DROP: '1' }
    const { status, stderr } = spawnSync(process.execPath, program(''), { env })
    expect(status).not.toBe(0)
    expect(stderr.toString()).toMatch(
      /PADBORG_DATA_DIR=.*: expected a directory this user may write, got EACCES/,
    )
  })

  it('is refused to a second process, which names the first', () => {
    const path = temporaryFolder()
    const dir = openDataDir(path, quiet)
    onTestFinished(() => dir.close())
    dir.writeRunFile({ pid: 4711, addresses: { mqtt: 1883, http: 8080 }, token: 'pbl_token' })
    const env = { ...process.env, DIR: path }
    const second = spawnSync(process.execPath, program(''), { env })
    expect(second.stderr.toString()).toContain('another platform (pid 4711) runs on')
    // The attempt neither took the lock away nor the run file.
    expect(readRunFile(path)?.pid).toBe(4711)
    refusal(() => openDataDir(path, quiet), 'DATA_DIR_LOCKED')
  })

  it('stays locked through garbage collection, is free after kill -9, and the next start logs that it was killed', async () => {
    const path = temporaryFolder()
    // Nothing in that program keeps what it opened, and its garbage is collected.
    const hold = `
      dir.writeRunFile({ pid: process.pid, addresses: {}, token: 't' })
      let collections = 0
      setInterval(() => {
        gc()
        collections += 1
        if (collections === 5) console.log('held')
      }, 5)`
    const env = { ...process.env, DIR: path }
    const child = spawn(process.execPath, ['--expose-gc', ...program(hold)], { env })
    onTestFinished(() => void child.kill('SIGKILL'))
    let said = ''
    child.stdout.on('data', (chunk) => (said += String(chunk)))
    await waitFor(() => said.includes('held'))
    refusal(() => openDataDir(path, quiet), 'DATA_DIR_LOCKED')
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
    const { log, lines } = createReadableLog()
    const dir = openDataDir(path, log)
    onTestFinished(() => dir.close())
    expect(lines.join('')).toContain('was not shut down cleanly')
    expect(readRunFile(path)).toBeNull()
  })

  it('gets one admin key from several processes that start at the same moment', async () => {
    const path = temporaryFolder()
    const text = `
      const { adminKey, pseudonymSecret } = await import(${JSON.stringify(MODULE)})
      process.stdout.write(adminKey(process.env.DIR).key + ' ' + pseudonymSecret(process.env.DIR))`
    const run = () =>
      new Promise<string>((resolve) => {
        const child = spawn(process.execPath, ['--input-type=module', '-e', text], {
          env: { DIR: path },
        })
        let said = ''
        child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
        child.once('close', () => resolve(said))
      })
    const said = await Promise.all(Array.from({ length: 6 }, run))
    expect(said[0]).toMatch(/^pbk_\S+ pbn_\S+$/)
    expect(new Set(said).size).toBe(1)
    expect(readdirSync(path).toSorted()).toEqual(['admin-key', 'pseudonym-secret'])
  })
})
