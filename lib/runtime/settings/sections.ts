import { API, LIVE, QUERIES } from './api-settings.ts'
import { BROKER } from './broker-settings.ts'
import { INGEST, JOURNAL, RETENTION } from './ingest-settings.ts'
import { LISTENERS, PLATFORM, TLS } from './platform-settings.ts'
import {
  DERIVED,
  FOREIGN_BROKER,
  INFLUX,
  RFMS,
  SPLIT_ROLES,
  STORE,
  TELTONIKA,
} from './service-settings.ts'
import type { Section, SectionValues, Setting } from './setting.ts'

/** Every setting of the platform, by the part that needs it and in the order of `.env.example`. */
export const SECTIONS = {
  platform: PLATFORM,
  listeners: LISTENERS,
  tls: TLS,
  broker: BROKER,
  journal: JOURNAL,
  ingest: INGEST,
  retention: RETENTION,
  queries: QUERIES,
  api: API,
  live: LIVE,
  store: STORE,
  influx: INFLUX,
  derived: DERIVED,
  foreignBroker: FOREIGN_BROKER,
  teltonika: TELTONIKA,
  rfms: RFMS,
  splitRoles: SPLIT_ROLES,
} as const satisfies Record<string, Section>

type Sections = typeof SECTIONS

/** Valid settings: `config.journal.windowMs`. A module takes the section it needs. */
export type Config = { readonly [S in keyof Sections]: SectionValues<Sections[S]> }

/** What of a configuration is valid so far. */
export type PartialConfig = { readonly [S in keyof Config]: Partial<Config[S]> }

/** The same settings by their names in the environment. */
export const SETTINGS: Readonly<Record<string, Setting>> = Object.fromEntries(
  Object.values<Section>(SECTIONS).flatMap((section) =>
    Object.values(section).map((one) => [one.name, one] as const),
  ),
)
