import type { ProtocolVersion } from './packets.ts'

/** Why the foreign broker will not have us, or ends the connection: what it means, and what to do. */
export interface Reason {
  readonly text: string
  /**
   * `version`: it does not speak this version. `settings`: nothing changes until somebody does
   * something. `passing`: it is worth to try again soon.
   */
  readonly sort: 'version' | 'settings' | 'passing'
}

/** CONNACK of MQTT 3.1.1 ([MQTT-3.2.2.3]), as the same reasons of MQTT 5. */
const OF_MQTT_3: Readonly<Record<number, number>> = { 1: 0x84, 2: 0x85, 3: 0x88, 4: 0x86, 5: 0x87 }

const settings = (text: string): Reason => ({ text, sort: 'settings' })
const passing = (text: string): Reason => ({ text, sort: 'passing' })

/** Reason codes of CONNACK, SUBACK and DISCONNECT (MQTT 5, 2.4). */
const REASONS: Readonly<Record<number, Reason>> = {
  0x00: passing('it ended the connection in order'),
  0x04: passing('it ended the connection'),
  0x80: passing('it says no more than "unspecified error"; see its log'),
  0x81: passing('it calls a packet of ours malformed'),
  0x82: passing('it calls a packet of ours a protocol error'),
  0x83: passing('it says "implementation specific error"; see its log'),
  0x84: { text: 'it does not speak this version of MQTT', sort: 'version' },
  0x85: settings('it does not take our client id; see its rules for client ids'),
  0x86: settings('it does not know this user name and password; correct PADBORG_MQTT_URL'),
  0x87: settings(
    'this user is not authorized there; grant it the subscription, or use another user',
  ),
  0x88: passing('it is not available at the moment'),
  0x89: passing('it is busy'),
  0x8a: settings('it has banned this client'),
  0x8b: passing('it is shutting down'),
  0x8c: settings('it wants another way of authentication than user name and password'),
  0x8d: passing('it heard nothing from us within the keep-alive'),
  0x8e: passing(
    'another client has taken over our session: does a copy of this data directory run elsewhere?',
  ),
  0x8f: settings('it does not take this topic filter; correct PADBORG_MQTT_TOPICS'),
  0x91: passing('it says that a packet id is in use'),
  0x93: passing('it says that more was in flight than it allows'),
  0x95: passing('it says that a packet was too large'),
  0x96: passing('it says that messages come too fast'),
  0x97: passing('it says that a quota is used up'),
  0x98: passing('an administrator ended the connection'),
  0x9c: settings('it sends us to another server; correct PADBORG_MQTT_URL'),
  0x9d: settings('it has moved; correct PADBORG_MQTT_URL'),
  0x9e: settings(
    'it knows no shared subscriptions; leave out PADBORG_MQTT_SHARE and run one intake, or give ' +
      'each intake topics of its own by PADBORG_MQTT_TOPICS',
  ),
  0x9f: passing('it says that connections come too fast'),
  0xa0: passing('it allows no longer connection'),
  0xa2: settings('it knows no wildcards; set PADBORG_MQTT_TOPICS to plain topics'),
}

export function reasonOf(code: number): Reason {
  return REASONS[code] ?? passing('it gives a reason that MQTT 5 does not define; see its log')
}

/** The reason of a CONNACK; null: we are let in. */
export function connackReason(
  code: number,
  version: ProtocolVersion,
  bytes: number,
): Reason | null {
  if (code === 0) return null
  // A server of MQTT 3.1.1 answers in its own form: two bytes and no properties.
  const isOld = version === 4 || (bytes === 2 && code < 0x80)
  return reasonOf(isOld ? (OF_MQTT_3[code] ?? 0x80) : code)
}

/** `0x86`, as brokers write it in their logs. */
export function hex(code: number): string {
  return `0x${code.toString(16).padStart(2, '0')}`
}
