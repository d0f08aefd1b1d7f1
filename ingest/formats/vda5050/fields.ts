import { KINDS } from '#lib/telemetry/catalogue.ts'
import { MAX_LENGTH } from '#lib/telemetry/field.ts'

/** 2 stands for 1.1, 2.0 and 2.1, and for unknown versions that have the names of 2.x. */
export type Major = 2 | 3

/** A field of a message, in 2.x and in 3.0, and the field of kind `robot` it becomes. */
interface Field {
  readonly name: string | Readonly<Record<Major, string>>
  readonly type: 'number' | 'string' | 'boolean' | 'array'
  /** Versions whose schema requires it. */
  readonly required: readonly Major[]
  readonly to?: string
  /** The values allowed in either version: a robot of 2.1 may send TEACH_IN. */
  readonly allowed?: readonly string[]
  /** Names seen from robots (docs/domain.md 1.6): shown in refusals, read when lenient. */
  readonly seen?: readonly string[]
}

interface Part {
  /** '' is the message itself. */
  readonly name: string | Readonly<Record<Major, string>>
  readonly required: readonly Major[]
  readonly seen?: readonly string[]
  readonly fields: readonly Field[]
}

const ALWAYS: readonly Major[] = [2, 3]
const NEVER: readonly Major[] = []
const ONLY_3: readonly Major[] = [3]

/** Without `version`: where it is missing the shape of the message decides (docs/domain.md 1.6). */
const header = (required: readonly Major[]): readonly Field[] => [
  { name: 'headerId', type: 'number', required },
  { name: 'timestamp', type: 'string', required, seen: ['timeStamp'] },
  { name: 'manufacturer', type: 'string', required },
  { name: 'serialNumber', type: 'string', required },
]

const OPERATING_MODES = [
  'AUTOMATIC',
  'SEMIAUTOMATIC',
  'MANUAL',
  'SERVICE',
  'TEACHIN',
  'TEACH_IN',
  // So in a table of 1.1 and 2.0; their lists of values have TEACHIN.
  'TEACHING',
  'STARTUP',
  'INTERVENED',
]

const POSITION: Part = {
  name: { 2: 'agvPosition', 3: 'mobileRobotPosition' },
  required: NEVER,
  fields: [
    { name: 'x', type: 'number', required: ALWAYS, to: 'xM' },
    { name: 'y', type: 'number', required: ALWAYS, to: 'yM' },
    { name: 'theta', type: 'number', required: ALWAYS, to: 'thetaRad' },
    { name: 'mapId', type: 'string', required: ALWAYS, to: 'mapId' },
    {
      name: { 2: 'positionInitialized', 3: 'localized' },
      type: 'boolean',
      required: ALWAYS,
      to: 'localized',
    },
    { name: 'localizationScore', type: 'number', required: NEVER, to: 'localizationScore' },
    { name: 'deviationRange', type: 'number', required: NEVER, to: 'deviationRangeM' },
  ],
}

const VELOCITY: Part = {
  name: 'velocity',
  required: NEVER,
  fields: [
    { name: 'vx', type: 'number', required: NEVER, to: 'vxMps' },
    { name: 'vy', type: 'number', required: NEVER, to: 'vyMps' },
    { name: 'omega', type: 'number', required: NEVER, to: 'omegaRadps' },
  ],
}

const BATTERY: Part = {
  name: { 2: 'batteryState', 3: 'powerSupply' },
  required: ALWAYS,
  fields: [
    {
      name: { 2: 'batteryCharge', 3: 'stateOfCharge' },
      type: 'number',
      required: ALWAYS,
      to: 'socPct',
      seen: ['percentage'],
    },
    { name: 'charging', type: 'boolean', required: ALWAYS, to: 'charging' },
    {
      name: 'batteryVoltage',
      type: 'number',
      required: NEVER,
      to: 'batteryV',
      seen: ['currentVoltage'],
    },
    { name: 'batteryCurrent', type: 'number', required: NEVER, to: 'batteryA' },
    { name: 'batteryHealth', type: 'number', required: NEVER, to: 'batteryHealthPct' },
    { name: { 2: 'reach', 3: 'range' }, type: 'number', required: NEVER, to: 'rangeM' },
  ],
}

const SAFETY: Part = {
  name: 'safetyState',
  required: ALWAYS,
  fields: [
    {
      name: { 2: 'eStop', 3: 'activeEmergencyStop' },
      type: 'string',
      required: ALWAYS,
      to: 'eStop',
      allowed: ['NONE', 'AUTOACK', 'MANUAL', 'REMOTE'],
      seen: ['emergencyStopType'],
    },
    {
      name: 'fieldViolation',
      type: 'boolean',
      required: ALWAYS,
      to: 'fieldViolation',
      seen: ['fieldBreach', 'protectiveFieldViolated'],
    },
  ],
}

const STATE: readonly Part[] = [
  {
    name: '',
    required: ALWAYS,
    fields: [
      ...header(ALWAYS),
      { name: 'orderId', type: 'string', required: ALWAYS, to: 'orderId' },
      { name: 'orderUpdateId', type: 'number', required: ALWAYS },
      { name: 'lastNodeId', type: 'string', required: ALWAYS, to: 'lastNodeId' },
      { name: 'lastNodeSequenceId', type: 'number', required: ALWAYS },
      { name: 'nodeStates', type: 'array', required: ALWAYS },
      { name: 'edgeStates', type: 'array', required: ALWAYS },
      { name: 'actionStates', type: 'array', required: ALWAYS },
      { name: 'instantActionStates', type: 'array', required: ONLY_3 },
      { name: 'driving', type: 'boolean', required: ALWAYS, to: 'driving' },
      { name: 'paused', type: 'boolean', required: NEVER, to: 'paused' },
      {
        name: 'operatingMode',
        type: 'string',
        required: ALWAYS,
        to: 'operatingMode',
        allowed: OPERATING_MODES,
      },
      { name: 'errors', type: 'array', required: ALWAYS },
      { name: 'loads', type: 'array', required: NEVER, seen: ['load'] },
    ],
  },
  BATTERY,
  SAFETY,
  POSITION,
  VELOCITY,
]

/** 2.x requires nothing of it, 3.0 the header and the state it belongs to. */
const VISUALIZATION: readonly Part[] = [
  {
    name: '',
    required: NEVER,
    fields: [
      ...header(ONLY_3),
      { name: 'referenceStateHeaderId', type: 'number', required: ONLY_3 },
    ],
  },
  POSITION,
  VELOCITY,
]

const CONNECTION: readonly Part[] = [
  {
    name: '',
    required: ALWAYS,
    fields: [
      ...header(ALWAYS),
      {
        name: 'connectionState',
        type: 'string',
        required: ALWAYS,
        // 2.x writes CONNECTIONBROKEN, 3.0 CONNECTION_BROKEN, and the text of 1.1 has them all
        // small.
        allowed: [
          'ONLINE',
          'OFFLINE',
          'HIBERNATING',
          'CONNECTION_BROKEN',
          'CONNECTIONBROKEN',
          'connectionBroken',
          'online',
          'offline',
        ],
      },
    ],
  },
]

/** A rule with its version chosen. */
export interface Rule {
  readonly name: string
  readonly type: Field['type']
  readonly required: boolean
  readonly to: string | null
  readonly allowed: readonly string[] | null
  /** Longest text that the field of kind `robot` holds. */
  readonly maxLength: number
  readonly seen: readonly string[]
}

export interface PartRules {
  readonly name: string
  readonly required: boolean
  readonly seen: readonly string[]
  readonly rules: readonly Rule[]
}

export type Topic = 'state' | 'visualization' | 'connection'

/** What a message of a topic must and may hold, by version. */
export const RULES: Readonly<Record<Topic, Readonly<Record<Major, readonly PartRules[]>>>> = {
  state: { 2: STATE.map((part) => rulesOf(part, 2)), 3: STATE.map((part) => rulesOf(part, 3)) },
  visualization: {
    2: VISUALIZATION.map((part) => rulesOf(part, 2)),
    3: VISUALIZATION.map((part) => rulesOf(part, 3)),
  },
  connection: {
    2: CONNECTION.map((part) => rulesOf(part, 2)),
    3: CONNECTION.map((part) => rulesOf(part, 3)),
  },
}

function rulesOf({ name, required, seen = [], fields }: Part, major: Major): PartRules {
  return {
    name: nameIn(name, major),
    required: required.includes(major),
    seen: [...otherName(name, major), ...seen],
    rules: fields.map((field) => ruleOf(field, major)),
  }
}

function ruleOf({ name, type, required, to, allowed, seen = [] }: Field, major: Major): Rule {
  return {
    name: nameIn(name, major),
    type,
    required: required.includes(major),
    to: to ?? null,
    allowed: allowed ?? null,
    maxLength: to ? (KINDS.robot.fields[to]?.maxLength ?? MAX_LENGTH) : Infinity,
    seen: [...otherName(name, major), ...seen],
  }
}

function nameIn(name: Part['name'], major: Major): string {
  return typeof name === 'string' ? name : name[major]
}

function otherName(name: Part['name'], major: Major): readonly string[] {
  return typeof name === 'string' ? [] : [name[major === 2 ? 3 : 2]]
}
