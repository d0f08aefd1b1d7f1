import type { FindingRule } from '../finding.ts'

/** Larger payloads take long on a bad radio link, and are lost as a whole when it breaks. */
const LARGE_BYTES = 64 * 1024

export const size: FindingRule = {
  codes: ['large_messages'],
  find({ facts: { transport } }) {
    if (!transport || transport.maxBytes <= LARGE_BYTES) return []
    const example = `${transport.maxBytes} bytes, ${Math.round(transport.meanBytes)} on average`
    const advice = `keep messages below ${LARGE_BYTES} bytes: fewer readings in one array`
    return [{ code: 'large_messages', severity: 'warning', path: 'mqtt', example, advice }]
  },
}
