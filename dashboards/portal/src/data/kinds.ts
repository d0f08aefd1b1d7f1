/** Kinds of devices in the order of the page. */
export const KINDS = [
  'truck',
  'robot',
  'probe',
  'radio',
  'heat_meter',
  'energy_meter',
  'weather',
] as const
