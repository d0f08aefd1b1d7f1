import { textOf, type RequestFault } from './request-payload.ts'

/** Of the payload of a probe request (contract: any payload up to 64 KiB). */
export const MAX_PROBE_BYTES = 64 * 1024

export function probeFault(payload: Uint8Array): RequestFault | null {
  if (payload.length <= MAX_PROBE_BYTES) return null
  return { path: '', expected: `at most ${MAX_PROBE_BYTES} bytes`, got: `${payload.length} bytes` }
}

/**
 * The echo: `{"receivedAt":"<ns>","sentAt":"<ns>","payload":"<text>"}`, or `payloadBase64` when the
 * payload is not UTF-8. `sentAtNs` is called when everything else is ready.
 */
export function probeResponse(
  payload: Uint8Array,
  receivedAtNs: bigint,
  sentAtNs: () => bigint,
): string {
  const text = textOf(payload)
  const echo =
    text === null
      ? `"payloadBase64":"${Buffer.from(payload).toString('base64')}"`
      : `"payload":${JSON.stringify(text)}`
  return `{"receivedAt":"${receivedAtNs}","sentAt":"${sentAtNs()}",${echo}}`
}
