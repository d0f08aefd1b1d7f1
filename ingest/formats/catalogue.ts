import { cam } from './cam.ts'
import { chirpstack } from './chirpstack.ts'
import type { Format } from './format.ts'
import { elvaco } from './elvaco.ts'
import { kamstrup2mqtt } from './kamstrup2mqtt.ts'
import { mbus } from './mbus.ts'
import { nabovarme } from './nabovarme.ts'
import { native } from './native.ts'
import { owntracks } from './owntracks.ts'
import { rfms } from './rfms.ts'
import { senml } from './senml.ts'
import { teltonika } from './teltonika.ts'
import { teltonikaCodec8 } from './teltonika-codec8.ts'
import { traccar } from './traccar.ts'
import { ttn } from './ttn.ts'
import { vda5050 } from './vda5050.ts'
import { wmbusmeters } from './wmbusmeters.ts'

/** Every payload convention. A new one is a file beside this, a line here and a folder of cases. */
export const FORMATS: Readonly<Record<string, Format>> = {
  elvaco,
  kamstrup2mqtt,
  mbus,
  nabovarme,
  native,
  senml,
  teltonika,
  'teltonika-codec8': teltonikaCodec8,
  owntracks,
  traccar,
  rfms,
  cam,
  chirpstack,
  ttn,
  vda5050,
  wmbusmeters,
}

/** As the registry needs them. */
export const FORMAT_LIST: readonly Format[] = Object.values(FORMATS)

export const FORMAT_NAMES: readonly string[] = Object.keys(FORMATS)

const BY_NAME: ReadonlyMap<string, Format> = new Map(Object.entries(FORMATS))

/** Called for every message. */
export function formatNamed(name: string): Format | null {
  return BY_NAME.get(name) ?? null
}
