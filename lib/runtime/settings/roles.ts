/** Parts of the platform that may run in processes of their own. */
export const ROLES = ['broker', 'ingest', 'api'] as const
export type Role = (typeof ROLES)[number]

/** Settings that decide which roles may run together, as the environment has them. */
export interface RoleSettings {
  readonly PADBORG_STORE?: string | undefined
  readonly PADBORG_MQTT_URL?: string | undefined
  readonly PADBORG_INGEST_URL?: string | undefined
}

export interface ChosenRoles {
  readonly roles: ReadonlySet<Role>
  /** One line each; empty when these roles can run. */
  readonly problems: readonly string[]
}

/** The roles of the arguments; none means all, except the broker where a foreign one replaces it. */
export function chooseRoles(given: readonly Role[], settings: RoleSettings): ChosenRoles {
  const { PADBORG_MQTT_URL: foreign } = settings
  const all = ROLES.filter((role) => role !== 'broker' || !foreign)
  const roles = new Set(given.length > 0 ? given : all)
  const shown = `roles ${[...roles].join(' ')}`
  const found = rules(roles, settings).filter(([isWrong]) => isWrong)
  return { roles, problems: found.map(([, problem]) => `${shown}: ${problem}`) }
}

export function isRole(word: string): word is Role {
  return ROLES.some((role) => role === word)
}

type Rule = readonly [isWrong: boolean, problem: string]

function rules(roles: ReadonlySet<Role>, settings: RoleSettings): readonly Rule[] {
  const { PADBORG_MQTT_URL: foreign, PADBORG_INGEST_URL: intakes } = settings
  const { PADBORG_STORE: store } = settings
  const [broker, ingest, api] = ROLES.map((role) => roles.has(role))
  const isEmbedded = !store || store === 'duckdb:'
  return [
    [
      isEmbedded && !(ingest && api),
      'with PADBORG_STORE=duckdb: one process holds all roles; start without role arguments, or ' +
        'set PADBORG_STORE=influx:',
    ],
    [
      Boolean(broker) && !ingest,
      'the broker acknowledges what the ingest role of its own process has made durable; add the ' +
        'role ingest',
    ],
    [
      Boolean(broker && foreign),
      'PADBORG_MQTT_URL names a foreign broker to subscribe to instead of the built-in one; leave ' +
        'the role broker or the setting out',
    ],
    [
      Boolean(ingest) && !broker && !foreign,
      'expected messages from the role broker or from a foreign broker; add the role broker, or ' +
        'set PADBORG_MQTT_URL',
    ],
    [
      Boolean(api) && !ingest && !intakes,
      'expected to know where the intake is; set PADBORG_INGEST_URL to what its process prints as ' +
        'ingest, such as http://127.0.0.1:8090, or add the role ingest',
    ],
    [
      Boolean(api && ingest && intakes),
      'PADBORG_INGEST_URL names an intake elsewhere, but this process has one of its own; leave ' +
        'the setting or the role ingest out',
    ],
  ]
}
