import module from 'node:module'
import { join } from 'node:path'

// Preloaded by every script: says what is wrong before an old Node.js meets TypeScript and fails oddly.
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

// What is left of a file without its types is kept from one start to the next. Node.js takes them away with a
// program of its own, which would stay in the memory of each thread: some 15 MiB. Where it cannot be kept
// (a folder nobody may write), nothing else changes.
module.enableCompileCache(join(import.meta.dirname, 'node_modules', '.cache', 'node'))
