import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openRegistry } from '#lib/registry/open.ts'
import { systemClock } from '#lib/runtime/clock.ts'
import { createLog } from '#lib/runtime/log.ts'
import { openIngest } from '../../../../ingest/open-ingest.ts'
import { UNWATCHED, ingestOptionsFor } from '../../../support/ingest-options.ts'
import { T0 } from '../../../support/messages.ts'
import { temporaryDir } from '../../../support/platform.ts'
import { waitFor } from '../../../support/wait-for.ts'
import { FORMAT_NAMES } from '../../../../ingest/formats/catalogue.ts'

/** Opening an intake starts its first batch: what comes in the same turn finds the worker busy. */
it('a sign-in is noted without any message behind it, also while the worker is busy', async () => {
  const dir = temporaryDir('sign-ins')
  const log = createLog('silent')
  const path = join(dir.path, 'registry.db')
  const registry = openRegistry({
    path,
    clock: systemClock,
    log,
    credentialOverlapHours: 1,
    formats: FORMAT_NAMES,
  })
  registry.tenants.create({ id: 'acme', name: 'Acme' })
  registry.devices.create({ id: 't1', tenant: 'acme', kind: 'truck' })
  const certificate = {
    commonName: 'acme.t1',
    fingerprint256: 'AB:CD',
    validToNs: T0,
    problem: null,
    signedIn: true,
    seenAtNs: T0 - 1n,
  }
  const open = () => openIngest(ingestOptionsFor(dir.path), UNWATCHED, { clock: systemClock, log })
  let ingest = await open()
  try {
    ingest.intake.certificate('acme.t1', certificate)
    const found = await waitFor(async () => {
      const { facts } = await ingest.port.ask('conformance', { device: 'acme.t1' })
      return facts.certificate
    })
    expect(found).toEqual(certificate)
    await ingest.close()
    ingest = await open()
    const { facts, findings } = await ingest.port.ask('conformance', { device: 'acme.t1' })
    expect(facts.certificate).toEqual(certificate)
    expect(findings.map(({ code }) => code)).toEqual(['silent', 'certificate_expired'])
  } finally {
    await ingest.close()
    registry.close()
    dir.remove()
  }
})
