import * as fs from 'node:fs'
import { join } from 'node:path'
import { syncFolderAsync } from '#lib/runtime/files.ts'
import { createSyncThread, type SyncThread } from './sync-thread.ts'

/**
 * What the journal needs of a file system. Nothing is durable before `datasync` (bytes and size of a
 * file) and `syncDir` (its name) have resolved. Every promise rejects with the system's error.
 */
export interface FileLayer {
  makeDir(dir: string): Promise<void>
  list(dir: string): Promise<readonly string[]>
  /** `create` makes the file, or empties the one that is there. */
  open(path: string, mode: 'create' | 'existing'): Promise<LayerFile>
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  syncDir(dir: string): Promise<void>
  freeBytes(dir: string): Promise<number>
  /** Neither it nor its files are used afterwards. */
  close(): Promise<void>
}

export interface LayerFile {
  /** Writes all bytes at an offset; the file grows when they reach beyond its end. */
  write(bytes: Uint8Array, offset: number): Promise<void>
  /** `write` and `datasync` in one step, ahead of everything else that the layer does. */
  writeDurably(bytes: Uint8Array, offset: number): Promise<void>
  /** Fills `into` from an offset; returns how many bytes there were. */
  read(into: Uint8Array, offset: number): Promise<number>
  size(): Promise<number>
  truncate(bytes: number): Promise<void>
  datasync(): Promise<void>
  close(): Promise<void>
}

/**
 * The file system of the machine. All calls run on libuv's pool, `writeDurably` on a thread of its own,
 * none on this one.
 */
export function createFileLayer(): FileLayer {
  const syncThread = createSyncThread()
  return {
    async makeDir(dir) {
      await fs.promises.mkdir(dir, { recursive: true, mode: 0o700 })
    },
    list: (dir) => fs.promises.readdir(dir),
    open: (path, mode) => openFile(path, mode, syncThread),
    rename: (from, to) => fs.promises.rename(from, to),
    unlink: (path) => fs.promises.unlink(path),
    syncDir: syncFolderAsync,
    async freeBytes(dir) {
      const { bavail, bsize } = await fs.promises.statfs(dir)
      return bavail * bsize
    },
    close: () => syncThread.close(),
  }
}

/** Path of a file in the journal's folder that is written first and gets its name later. */
export function temporaryPath(dir: string, name: string): string {
  return join(dir, `${name}.tmp`)
}

function openFile(
  path: string,
  mode: 'create' | 'existing',
  syncThread: SyncThread,
): Promise<LayerFile> {
  return new Promise((resolve, reject) => {
    fs.open(path, mode === 'create' ? 'w+' : 'r+', 0o600, (error, fd) => {
      if (error) reject(error)
      else resolve(layerFile(fd, syncThread))
    })
  })
}

function layerFile(fd: number, syncThread: SyncThread): LayerFile {
  return {
    write: (bytes, offset) =>
      new Promise((resolve, reject) =>
        writeAll({ fd, bytes, offset }, callbackOf(resolve, reject)),
      ),
    writeDurably: (bytes, offset) => syncThread.write(fd, bytes, offset),
    read: (into, offset) =>
      new Promise((resolve, reject) =>
        readAll({ fd, bytes: into, offset }, 0, { resolve, reject }),
      ),
    size: () =>
      new Promise((resolve, reject) => {
        fs.fstat(fd, (error, stats) => (error ? reject(error) : resolve(stats.size)))
      }),
    truncate: (bytes) =>
      new Promise((resolve, reject) => fs.ftruncate(fd, bytes, callbackOf(resolve, reject))),
    datasync: () => new Promise((resolve, reject) => fs.fdatasync(fd, callbackOf(resolve, reject))),
    close: () => new Promise((resolve, reject) => fs.close(fd, callbackOf(resolve, reject))),
  }
}

interface Transfer {
  readonly fd: number
  readonly bytes: Uint8Array
  readonly offset: number
}

function callbackOf(resolve: () => void, reject: (error: Error) => void) {
  return (error: Error | null | undefined) => (error ? reject(error) : resolve())
}

/** A write may be cut short (a disk that becomes full, a signal): go on, the next one reports why. */
function writeAll(
  { fd, bytes, offset }: Transfer,
  done: (error: Error | null | undefined) => void,
): void {
  fs.write(fd, bytes, 0, bytes.byteLength, offset, (error, written) => {
    if (error || written === bytes.byteLength) done(error)
    else writeAll({ fd, bytes: bytes.subarray(written), offset: offset + written }, done)
  })
}

function readAll(
  { fd, bytes, offset }: Transfer,
  before: number,
  outcome: { resolve(total: number): void; reject(error: Error): void },
): void {
  fs.read(fd, bytes, 0, bytes.byteLength, offset, (error, count) => {
    if (error) outcome.reject(error)
    else if (count === 0 || count === bytes.byteLength) outcome.resolve(before + count)
    else {
      const rest = { fd, bytes: bytes.subarray(count), offset: offset + count }
      readAll(rest, before + count, outcome)
    }
  })
}
