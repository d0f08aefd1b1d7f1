import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Random } from '#lib/runtime/random.ts'
import type { FileLayer, LayerFile } from '../../../../ingest/journal/files/file-layer.ts'
import { createSimulatedFile, type SimulatedFile } from './simulated-file.ts'

/** What is about to be done, for those who make it fail or count it. */
export interface Operation {
  readonly what:
    | 'makeDir'
    | 'open'
    | 'write'
    | 'sync'
    | 'truncate'
    | 'rename'
    | 'unlink'
    | 'syncDir'
  readonly path: string
  readonly bytes: number
}

export interface SimulatedDisk {
  /** A file layer for one life of a process. */
  readonly layer: FileLayer
  /** Resolves when the steps that were allowed are used up: from then on nothing returns. */
  readonly crashed: Promise<void>
  /** Lets the process do so many steps more. */
  crashAfter(steps: number): void
  /** The process is gone; the page cache stays. */
  kill(): void
  /** The process is gone, and so is everything that was not synced, whole or in part. */
  losePower(): void
  /** Every file of a folder as it reads now. */
  files(dir: string): ReadonlyMap<string, Buffer>
  /** Makes a real folder hold the files of a simulated one, and nothing else. */
  copyTo(dir: string, realDir: string): void
  /** Changes a file unnoticed, and for good. */
  damage(path: string, change: (bytes: Buffer) => Buffer | null): void
  /** All operations since the beginning. */
  readonly operations: readonly Operation[]
}

export interface DiskOptions {
  readonly random: Random
  /** Answers the code of an error to fail with, or ''. */
  readonly fault?: (operation: Operation) => string
  /** Bytes that files may take together; beyond it is ENOSPC. */
  readonly capacity?: () => number
}

/** A change of names; durable when its folder was synced. */
interface NameChange {
  readonly dir: string
  apply(names: Map<string, SimulatedFile>): void
}

/**
 * A disk that forgets what was not synced, as a file layer: unsynced writes are kept, lost or torn,
 * unsynced names come and go one by one. Each step of an operation is a place where it can crash.
 */
export function createSimulatedDisk({ random, fault, capacity }: DiskOptions): SimulatedDisk {
  const operations: Operation[] = []
  let names = new Map<string, SimulatedFile>()
  let durableNames = new Map<string, SimulatedFile>()
  let unsyncedNames: NameChange[] = []
  const dirs = new Set<string>(['/', '/data'])
  const durableDirs = new Set<string>(dirs)
  let life = 0
  let stepsLeft = Infinity
  let crash: PromiseWithResolvers<void> = Promise.withResolvers()
  const copied = new Map<string, Buffer>()

  return {
    get layer() {
      return layerOf(life)
    },
    get crashed() {
      return crash.promise
    },
    crashAfter(steps) {
      stepsLeft = steps
    },
    kill: nextLife,
    losePower,
    files: filesIn,
    copyTo(dir, realDir) {
      mkdirSync(realDir, { recursive: true })
      const files = filesIn(dir)
      for (const name of readdirSync(realDir)) {
        if (files.has(name)) continue
        rmSync(join(realDir, name))
        copied.delete(join(realDir, name))
      }
      for (const [name, bytes] of files) {
        const path = join(realDir, name)
        if (copied.get(path)?.equals(bytes)) continue
        writeFileSync(path, bytes)
        copied.set(path, bytes)
      }
    },
    damage(path, change) {
      const file = names.get(path)
      const bytes = file && change(Buffer.from(file.cached))
      names.delete(path)
      durableNames.delete(path)
      if (!bytes) return
      const damaged = createSimulatedFile()
      damaged.write(bytes, 0)
      damaged.sync(damaged.changes)
      names.set(path, damaged)
      durableNames.set(path, damaged)
    },
    operations,
  }

  function nextLife(): void {
    life += 1
    stepsLeft = Infinity
    crash = Promise.withResolvers()
  }

  function losePower(): void {
    nextLife()
    const share = random.pick([0, 0.5, 1])
    for (const change of unsyncedNames) if (random.next() < share) change.apply(durableNames)
    unsyncedNames = []
    for (const dir of dirs) if (!durableDirs.has(dir)) loseDir(dir)
    names = new Map(durableNames)
    for (const file of new Set(names.values())) file.losePower(random)
  }

  function loseDir(dir: string): void {
    dirs.delete(dir)
    for (const path of durableNames.keys()) if (dirname(path) === dir) durableNames.delete(path)
  }

  function filesIn(dir: string): ReadonlyMap<string, Buffer> {
    return new Map(
      [...names].flatMap(([path, { cached }]) =>
        dirname(path) === dir ? [[basename(path), cached] as const] : [],
      ),
    )
  }

  function layerOf(ownLife: number): FileLayer {
    return {
      async makeDir(dir) {
        await begin({ what: 'makeDir', path: dir, bytes: 0 })
        dirs.add(dir)
      },
      async list(dir) {
        await step()
        if (!dirs.has(dir)) throw systemError('ENOENT', dir)
        return [...filesIn(dir).keys()]
      },
      async open(path, mode) {
        await begin({ what: 'open', path, bytes: 0 })
        return fileOf(path, mode === 'create' ? make(path) : existing(path))
      },
      async rename(from, to) {
        await begin({ what: 'rename', path: to, bytes: 0 })
        const file = existing(from)
        rename(to, (all) => {
          all.delete(from)
          all.set(to, file)
        })
        await step()
      },
      async unlink(path) {
        await begin({ what: 'unlink', path, bytes: 0 })
        existing(path)
        rename(path, (all) => void all.delete(path))
        await step()
      },
      async syncDir(dir) {
        await begin({ what: 'syncDir', path: dir, bytes: 0 })
        for (const change of unsyncedNames) if (change.dir === dir) change.apply(durableNames)
        unsyncedNames = unsyncedNames.filter((change) => change.dir !== dir)
        for (const one of dirs) if (dirname(one) === dir) durableDirs.add(one)
        await step()
      },
      async freeBytes() {
        await step()
        return Math.max(0, (capacity?.() ?? Number.MAX_SAFE_INTEGER) - used())
      },
      async close() {
        await step()
      },
    }

    function fileOf(path: string, file: SimulatedFile): LayerFile {
      return {
        async writeDurably(bytes, offset) {
          await this.write(bytes, offset)
          await this.datasync()
        },
        async write(bytes, offset) {
          // The caller may not change the bytes before the write has ended; here it has not yet.
          const half = random.integer(0, bytes.length)
          await begin({ what: 'write', path, bytes: bytes.length })
          write(path, file, { bytes: bytes.subarray(0, half), offset })
          await step()
          write(path, file, { bytes: bytes.subarray(half), offset: offset + half })
          await step()
        },
        async read(into, offset) {
          await step()
          return file.cached.copy(into, 0, Math.min(offset, file.cached.length))
        },
        async size() {
          await step()
          return file.cached.length
        },
        async truncate(bytes) {
          await begin({ what: 'truncate', path, bytes })
          file.truncate(bytes)
          await step()
        },
        async datasync() {
          try {
            await begin({ what: 'sync', path, bytes: 0 })
          } catch (error) {
            file.failSync(random)
            throw error
          }
          // What is written while the sync runs is not part of it.
          const { changes } = file
          file.leak(random)
          await step()
          file.sync(changes)
          await step()
        },
        async close() {
          await step()
        },
      }
    }

    function write(
      path: string,
      file: SimulatedFile,
      { bytes, offset }: { readonly bytes: Uint8Array; readonly offset: number },
    ): void {
      if (bytes.length === 0) return
      const room = (capacity?.() ?? Infinity) - used()
      const more = offset + bytes.length - file.cached.length
      const fits = bytes.length - Math.max(0, more - room)
      if (fits > 0) file.write(bytes.subarray(0, fits), offset)
      if (fits < bytes.length) throw systemError('ENOSPC', path)
    }

    async function begin(operation: Operation): Promise<void> {
      await step()
      operations.push(operation)
      const code = fault?.(operation) ?? ''
      if (code !== '') throw systemError(code, operation.path)
    }

    /** A place to crash: the dead process gets no answer any more. */
    async function step(): Promise<void> {
      await Promise.resolve()
      if (ownLife === life) stepsLeft -= 1
      if (ownLife === life && stepsLeft > 0) return
      if (ownLife === life) crash.resolve()
      await new Promise(() => undefined)
    }
  }

  function used(): number {
    let bytes = 0
    for (const { cached } of names.values()) bytes += cached.length
    return bytes
  }

  function existing(path: string): SimulatedFile {
    const file = names.get(path)
    if (!file) throw systemError('ENOENT', path)
    return file
  }

  function make(path: string): SimulatedFile {
    const there = names.get(path)
    if (there) {
      there.truncate(0)
      return there
    }
    if (!dirs.has(dirname(path))) throw systemError('ENOENT', path)
    const file = createSimulatedFile()
    rename(path, (all) => void all.set(path, file))
    return file
  }

  function rename(path: string, apply: (all: Map<string, SimulatedFile>) => void): void {
    apply(names)
    unsyncedNames.push({ dir: dirname(path), apply })
  }
}

export function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: simulated, '${path}'`), { code })
}
