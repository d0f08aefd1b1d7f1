import type { ProtocolVersion } from '#lib/mqtt/packet-types.ts'

/** Why the foreign broker refuses or ends the connection: what it means, and what to do. */
export interface Reason {
  readonly text: string
  /** Whether an attempt soon may succeed; else nothing changes until somebody does something. */
  readonly retryable: boolean
  /** It does not speak this version of MQTT. */
  readonly refusesVersion: boolean
}

/** CONNACK of MQTT 3.1.1 ([MQTT-3.2.2.3]), as the same reasons of MQTT 5. */
const OF_MQTT_3: Readonly<Record<number, number>> = { 1: 0x84, 2: 0x85, 3: 0x88, 4: 0x86, 5: 0x87 }

/** Reason codes of CONNACK, SUBACK and DISCONNECT (MQTT 5, 2.4). */
const REASONS: Readonly<Record<number, Reason>> = {
  0x00: retryable('it ended the connection'),
  0x04: retryable('it ended the connection'),
  0x80: retryable('it reports "unspecified error"; see its log'),
  0x81: retryable('it reports a malformed packet of ours'),
  0x82: retryable('it reports a protocol error of ours'),
  0x83: retryable('it reports "implementation specific error"; see its log'),
  0x84: {
    text: 'it does not speak this version of MQTT',
    retryable: false,
    refusesVersion: true,
  },
  0x85: needsAction('it does not accept our client id; see its rules for client ids'),
  0x86: needsAction('it does not accept this user name and password; correct PADBORG_MQTT_URL'),
  0x87: needsAction(
    'this user is not authorized there; grant it the subscription, or use another user',
  ),
  0x88: retryable('it is not available at the moment'),
  0x89: retryable('it is busy'),
  0x8a: needsAction('it has banned this client'),
  0x8b: retryable('it is shutting down'),
  0x8c: needsAction('it expects another authentication than user name and password'),
  0x8d: retryable('it received nothing from us within the keep-alive'),
  0x8e: retryable(
    'another client has taken over our session: does a copy of this data directory run elsewhere?',
  ),
  0x8f: needsAction('it does not accept this topic filter; correct PADBORG_MQTT_TOPICS'),
  0x91: retryable('it reports a packet id that is in use'),
  0x93: retryable('it reports more in flight than it allows'),
  0x95: retryable('it reports a packet that is too large'),
  0x96: retryable('it reports that messages come too fast'),
  0x97: retryable('it reports that a quota is used up'),
  0x98: retryable('an administrator ended the connection'),
  0x9c: needsAction('it refers to another server; correct PADBORG_MQTT_URL'),
  0x9d: needsAction('it has moved; correct PADBORG_MQTT_URL'),
  0x9e: needsAction(
    'it has no shared subscriptions; leave out PADBORG_MQTT_SHARE and run one intake, or give ' +
      'each intake topics of its own by PADBORG_MQTT_TOPICS',
  ),
  0x9f: retryable('it reports that connections come too fast'),
  0xa0: retryable('it limits the duration of connections, and this one is over'),
  0xa2: needsAction('it has no wildcards; set PADBORG_MQTT_TOPICS to plain topics'),
}

export function retryable(text: string): Reason {
  return { text, retryable: true, refusesVersion: false }
}

/** Nothing changes until somebody changes something. */
export function needsAction(text: string): Reason {
  return { text, retryable: false, refusesVersion: false }
}

export function reasonOf(code: number): Reason {
  return REASONS[code] ?? retryable('it reports a reason that MQTT 5 does not define; see its log')
}

/** The reason of a CONNACK; null: the connection is accepted. */
export function connackReason(
  code: number,
  version: ProtocolVersion,
  bytes: number,
): Reason | null {
  if (code === 0) return null
  // A server of MQTT 3.1.1 answers in the old form: two bytes and no properties.
  const isOld = version === 4 || (bytes === 2 && code < 0x80)
  return reasonOf(isOld ? (OF_MQTT_3[code] ?? 0x80) : code)
}

/** `0x86`, as brokers write it in their logs. */
export function hex(code: number): string {
  return `0x${code.toString(16).padStart(2, '0')}`
}
