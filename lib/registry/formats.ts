/** The payload conventions a device may be registered with; each is a native channel too. */
export const FORMAT_NAMES: readonly string[] = [
  'native',
  'vda5050',
  'wmbusmeters',
  'mbus',
  'kamstrup2mqtt',
  'nabovarme',
  'elvaco',
  'teltonika',
  'teltonika-codec8',
  'owntracks',
  'traccar',
  'rfms',
  'cam',
  'senml',
]
