import { textOf, type Fault } from './json-requests.ts'

/** Of the payload of a probe request (contract: any payload up to 64 KiB). */
export const LONGEST_PROBE = 64 * 1024

export function probeFault(payload: Uint8Array): Fault | null {
  if (payload.length <= LONGEST_PROBE) return null
  return { path: '', expected: `at most ${LONGEST_PROBE} bytes`, got: `${payload.length} bytes` }
}

/**
 * The echo: `{"receivedAt":"<ns>","sentAt":"<ns>","payload":"<text>"}`, or `payloadBase64` when the
 * payload is not UTF-8. `sentAtNs` is asked for when everything else is ready.
 */
export function probeAnswer(
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
