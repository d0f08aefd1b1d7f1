import { expect, it } from 'vitest'
import { createMessageRate } from '../../../../../dashboards/portal/src/data/message-rate.ts'

it('the message rate comes from the growth of accepted, and starts again when that falls', () => {
  const rate = createMessageRate()
  const after = (accepted: number, atMs: number) => {
    rate.add([{ accepted }], atMs)
    return rate.cell.get()
  }
  expect(after(100, 0)).toBeNull()
  expect(after(160, 3000)).toEqual({ perS: 20, messages: 60, seconds: 3 })
  expect(after(10, 6000)).toBeNull()
  expect(after(40, 9000)).toEqual({ perS: 10, messages: 30, seconds: 3 })
})
