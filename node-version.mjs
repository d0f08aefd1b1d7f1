import module from 'node:module'
import { join } from 'node:path'

// Preloaded by every script: prints a clear error before an old Node.js fails on TypeScript.
const NEEDED = 26
const major = Number(process.versions.node.split('.')[0])
if (!(major >= NEEDED)) {
  process.stderr.write(
    `Node.js ${process.versions.node} runs this, but ${NEEDED} or later is needed. npm ci brings it as an ` +
      'optional dependency: run npm ci without --omit=optional and start with npm start ' +
      `(or install Node.js ${NEEDED} and run node main.ts).\n`,
  )
  process.exit(1)
}

// Files without their types are cached from one start to the next. Node.js strips the types with a WebAssembly
// program, which would stay in the memory of each thread: some 15 MiB. Without a writable folder nothing is
// cached, and nothing else changes.
module.enableCompileCache(join(import.meta.dirname, 'node_modules', '.cache', 'node'))
