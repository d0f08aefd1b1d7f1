import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFileLayer, type FileLayer } from '../../../../../ingest/journal/files/file-layer.ts'
import { createSlab } from '../../../../../ingest/journal/segments/slab.ts'
import { temporaryDir } from '../../../../support/platform.ts'

describe('what the journal writes on its own thread', () => {
  const dir = temporaryDir('file-layer')
  let layer: FileLayer
  beforeEach(() => {
    layer = createFileLayer()
  })
  afterEach(() => layer.close())
  afterAll(() => dir.remove())

  it('is in the file when it has resolved, in the order of the calls, shared memory or not', async () => {
    const path = join(dir.path, 'order')
    const file = await layer.open(path, 'create')
    const { bytes } = createSlab(64)
    bytes.write('shared', 8)
    await Promise.all([
      file.writeDurably(bytes.subarray(8, 14), 2),
      file.writeDurably(Buffer.from('own '), 0),
    ])
    expect(readFileSync(path, 'utf8')).toBe('own ared')
    await file.close()
  })

  it.skipIf(!existsSync('/dev/full'))(
    'is refused with the code of the system, and others go on',
    async () => {
      const full = await layer.open('/dev/full', 'existing')
      const path = join(dir.path, 'others')
      const file = await layer.open(path, 'create')
      const refused = full.writeDurably(Buffer.from('lost'), 0)
      const written = file.writeDurably(Buffer.from('kept'), 0)
      await expect(refused).rejects.toMatchObject({
        code: 'ENOSPC',
        syscall: 'write',
        message: expect.stringContaining('no space left on device'),
      })
      await written
      expect(readFileSync(path, 'utf8')).toBe('kept')
      for (const one of [full, file]) await one.close()
      await expect(file.writeDurably(Buffer.from('late'), 0)).rejects.toMatchObject({
        code: 'EBADF',
      })
    },
  )
})
