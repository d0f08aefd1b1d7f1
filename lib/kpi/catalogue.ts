/** What a figure is, for the API documentation, reports and dashboards. */
export interface KpiDefinition {
  readonly name: string
  readonly unit: string
  readonly description: string
  /** Where the definition comes from. */
  readonly source: string
}

/** Every figure. A new one is a file beside this and a line here. */
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
  interarrival: {
    name: 'interarrival',
    unit: 'ms',
    description: 'Time between two consecutive messages of a device and channel, by their arrival.',
    source: 'own definition',
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
  availability: {
    name: 'availability',
    unit: '1',
    description:
      'Share of the observed time in which messages came within latency limit and ' +
      'survival time.',
    source: 'TS 22.261 cl. 3.1; algorithm of docs/domain.md 5.1',
  },
  reliability: {
    name: 'reliability',
    unit: '1',
    description:
      'Share of messages that came within the limit, with the lower 95 % bound that ' +
      'their number proves.',
    source: 'TS 22.261; Clopper and Pearson 1934',
  },
  recoveredHeat: {
    name: 'recoveredHeat',
    unit: 'kWh',
    description:
      'Heat from differences of the energy register, with coverage and register ' +
      'resolution. Hand-off and delivered heat are never added.',
    source: 'EN 1434-1; docs/domain.md 3.5',
  },
  heatCoefficient: {
    name: 'heatCoefficient',
    unit: 'kWh/(m3*K)',
    description:
      'Heat that a cubic metre of water gives per kelvin at 16 bar, by the place of the ' +
      'flow sensor.',
    source: 'EN 1434-1 annex A; IAPWS-IF97',
  },
  heatPower: {
    name: 'heatPower',
    unit: 'kW',
    description:
      'Flow times temperature difference times heat coefficient: to check a meter, never ' +
      'to sum energy.',
    source: 'EN 1434-1 annex A',
  },
  pue: {
    name: 'pue',
    unit: '1',
    description: 'All energy of the data centre over the energy of its IT equipment.',
    source: 'EN 50600-4-2, ISO/IEC 30134-2; Regulation (EU) 2024/1364 Annex III',
  },
  wue: {
    name: 'wue',
    unit: 'l/kWh',
    description: 'Water taken per energy of the IT equipment; the same number in m3/MWh.',
    source: 'EN 50600-4-9, ISO/IEC 30134-9; Regulation (EU) 2024/1364 Annex III',
  },
  erf: {
    name: 'erf',
    unit: '1',
    description: 'Heat handed over for use outside over all energy of the data centre.',
    source: 'EN 50600-4-6, ISO/IEC 30134-6; Regulation (EU) 2024/1364 Annex III',
  },
  ref: {
    name: 'ref',
    unit: '1',
    description: 'Renewable energy over all energy of the data centre.',
    source: 'EN 50600-4-3, ISO/IEC 30134-3; Regulation (EU) 2024/1364 Annex III',
  },
  ere: {
    name: 'ere',
    unit: '1',
    description: 'Energy less the heat handed over, per energy of the IT equipment.',
    source: 'The Green Grid',
  },
  cop: {
    name: 'cop',
    unit: '1',
    description: 'Heat delivered by a heat pump over the electricity that it takes.',
    source: 'docs/domain.md 7.3',
  },
  wasteHeatTemperature: {
    name: 'wasteHeatTemperature',
    unit: 'Cel',
    description:
      'Mean temperature of the waste heat at the hand-off, weighted by volume and over time.',
    source: 'Regulation (EU) 2024/1364 Annex II 1(k)',
  },
  homesSupplied: {
    name: 'homesSupplied',
    unit: '1',
    description: 'Standard houses of 18.1 MWh a year that an amount of heat supplies.',
    source: 'Forsyningstilsynet price statistics',
  },
  avoidedEmissions: {
    name: 'avoidedEmissions',
    unit: 'kg CO2e',
    description:
      'Emissions of the heat that is replaced less those of the electricity of the heat ' +
      'pump, with factors.',
    source: 'docs/domain.md 7.4',
  },
} as const satisfies Record<string, KpiDefinition>
