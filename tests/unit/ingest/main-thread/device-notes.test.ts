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
import { FORMAT_LIST } from '../../../../ingest/formats/catalogue.ts'
import { ALL } from '#lib/telemetry/scope.ts'
import { queryRows } from '../../../support/query-rows.ts'

/** Opening an intake starts its first batch: what comes in the same turn finds the worker busy. */
it('a sign-in is noted without any message after it, also while the worker is busy', async () => {
  const dir = temporaryDir('sign-ins')
  const log = createLog('silent')
  const path = join(dir.path, 'registry.db')
  const registry = openRegistry({
    path,
    clock: systemClock,
    log,
    credentialOverlapHours: 1,
    formats: FORMAT_LIST,
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
  const query = { scope: ALL, device: 'acme.t1' }
  const { validToNs, seenAtNs, ...same } = certificate
  const shown = { ...same, validTo: validToNs, seenAt: seenAtNs }
  let ingest = await open()
  try {
    ingest.intake.certificate('acme.t1', certificate)
    const found = await waitFor(async () => {
      const [row] = await queryRows(ingest.port, 'conformance', query)
      return row?.facts.certificate
    })
    expect(found).toEqual(shown)
    await ingest.close()
    ingest = await open()
    const [row] = await queryRows(ingest.port, 'conformance', query)
    expect(row?.facts.certificate).toEqual(shown)
    expect(row?.findings.map(({ code }) => code)).toEqual(['silent', 'certificate_expired'])
  } finally {
    await ingest.close()
    registry.close()
    dir.remove()
  }
})
