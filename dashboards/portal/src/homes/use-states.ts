import { useAnswer, useCell, useNow, usePortal } from '../data/hooks.ts'
import { deviceStates, type DeviceState } from './fleet/device-states.ts'

/** Devices with their freshness, as several panels show them; null before the first answer. */
export function useDeviceStates(): readonly DeviceState[] | null {
  const { polls, lastValues } = usePortal()
  const nowMs = useNow()
  const devices = useAnswer('/devices', polls.devices)
  const values = useAnswer('/last-values', polls.lastValues)
  const readings = useCell(lastValues.cell)
  if (values.value === null) return null
  if (devices.opening === 'open' && devices.value === null) return null
  return deviceStates(devices.value?.data ?? null, readings.values(), nowMs)
}
