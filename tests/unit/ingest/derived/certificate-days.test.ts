import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createCertificateDays } from '../../../../ingest/derived/certificate-days.ts'
import { temporaryDir } from '../../../support/platform.ts'
import { createTestClock } from './marks-fixture.ts'

const DAY_NS = 86_400_000_000_000n
const hasOpenssl = spawnSync('openssl', ['version']).status === 0

describe('the days of a certificate', () => {
  const why = hasOpenssl ? '' : ' (skipped: openssl is not installed)'
  it.skipIf(!hasOpenssl)(`are counted to its end, and unknown without one${why}`, () => {
    const dir = temporaryDir('certificate')
    const path = join(dir.path, 'cert.pem')
    const clock = createTestClock(BigInt(Date.now()) * 1_000_000n)
    try {
      execFileSync(
        'openssl',
        (
          'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=test ' +
          `-days 30 -out ${path} -keyout ${join(dir.path, 'key.pem')}`
        ).split(' '),
        { stdio: 'ignore' },
      )
      const days = createCertificateDays(path, clock)
      expect(days()).toBeCloseTo(30, 1)
      clock.turn(31n * DAY_NS)
      expect(days()).toBeCloseTo(-1, 1)
      expect(createCertificateDays(null, clock)()).toBeNull()
      writeFileSync(path, 'no certificate')
      expect(createCertificateDays(path, clock)()).toBeNull()
      expect(createCertificateDays(`${path}.none`, clock)()).toBeNull()
    } finally {
      dir.remove()
    }
  })
})
