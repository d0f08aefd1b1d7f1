/** What a figure is, for the API documentation, reports and dashboards. */
export interface KpiDefinition {
  readonly name: string
  readonly unit: string
  readonly description: string
  /** Where the definition comes from. */
  readonly source: string
}

/** Every network figure. A new one is a file beside this and a line here. */
export const KPIS = {
  age: {
    name: 'age',
    unit: 'ms',
    description:
      'Receive time minus the time of the device by its own clock. Holds the error of that clock.',
    source: 'own definition',
  },
  uplink: {
    name: 'uplink',
    unit: 'ms',
    description:
      'One-way delay from device to platform, corrected by the measured clock offset and given ' +
      'with its bound. None without a bound.',
    source: 'RFC 7679; offset RFC 5905',
  },
  rtt: {
    name: 'rtt',
    unit: 'ms',
    description: 'Application round trip over MQTT, by the clock of the probe alone.',
    source: 'RFC 2681',
  },
  durable: {
    name: 'durable',
    unit: 'ms',
    description: 'From the bytes on the socket until the message is on disk.',
    source: 'own definition',
  },
  stored: {
    name: 'stored',
    unit: 'ms',
    description: 'From the bytes on the socket until the reading can be queried.',
    source: 'own definition',
  },
  ipdv: {
    name: 'ipdv',
    unit: 'ms',
    description: 'Difference of the delays of consecutive messages; free of clock offset.',
    source: 'RFC 3393',
  },
  pdv: {
    name: 'pdv',
    unit: 'ms',
    description: 'Delay above the smallest delay of the interval; free of clock offset.',
    source: 'RFC 5481',
  },
  jitter: {
    name: 'jitter',
    unit: 'ms',
    description: 'Smoothed mean of the difference of consecutive delays.',
    source: 'RFC 3550 cl. 6.4.1',
  },
  loss: {
    name: 'loss',
    unit: '1',
    description:
      'Share of messages that never came, from gaps in the sequence numbers. Late is not lost.',
    source: 'RFC 7680; VDA 5050 cl. 6.4 for the counting',
  },
  messagesPerS: {
    name: 'messagesPerS',
    unit: '1/s',
    description: 'Messages received per second.',
    source: 'own definition',
  },
  bytesPerS: {
    name: 'bytesPerS',
    unit: 'By/s',
    description: 'Payload bytes received per second, without MQTT, TCP and IP headers.',
    source: 'own definition',
  },
  clockOffset: {
    name: 'clockOffset',
    unit: 'ms',
    description: 'Device clock minus platform clock, with the bound it is true within.',
    source: 'RFC 5905 cl. 8, 10',
  },
} as const satisfies Record<string, KpiDefinition>

export type KpiName = keyof typeof KPIS
