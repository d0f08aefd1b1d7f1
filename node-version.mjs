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
