import { useCell, useNow, usePortal } from '../../data/use-portal.ts'
import { useQuery } from '../../data/use-query.ts'
import { deviceStates, type DeviceState } from './device-states.ts'

/** Devices with their freshness, as several panels show them; null before the first result. */
export function useDeviceStates(): readonly DeviceState[] | null {
  const { polls, lastValues } = usePortal()
  const nowMs = useNow()
  const devices = useQuery(polls.devices)
  const values = useQuery(polls.lastValues)
  const readings = useCell(lastValues.cell)
  if (values.value === null) return null
  if (devices.access === 'open' && devices.value === null) return null
  return deviceStates(devices.value?.data ?? null, readings.values(), nowMs)
}
