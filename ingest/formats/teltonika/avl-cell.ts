import type { Radio } from '#lib/telemetry/radio.ts'
import { operatorOf, radioFrom } from '../trucks/radio-cell.ts'
import { readNumber } from '../payload/number-text.ts'
import type { Values } from '../payload/problem.ts'

/** AVL 237, the network type: 2 is LTE, 3 its variant LTE-M. */
const LTE: ReadonlySet<number> = new Set([2, 3])

/**
 * The radio part of a record: operator (AVL 241), and the cell (AVL 636) where the network is known
 * to be LTE, since in UMTS the same id holds another number. AVL 21 counts bars from 0 to 5, by no
 * rule that would make a level in dBm of it, so it is left out.
 */
export function radioOf(record: Values): Radio | null {
  const network = readNumber(record['237'])
  const operator = readNumber(record['241'])
  return radioFrom({
    isLte: network !== null && LTE.has(network),
    cell: readNumber(record['636']),
    operator: operator === null ? null : operatorFrom(String(operator)),
  })
}

/** `23801`: country in three digits, network in two or three. */
function operatorFrom(code: string): string | null {
  if (!/^\d{5,6}$/.test(code)) return null
  const network = code.slice(3)
  const operator = operatorOf(Number(code.slice(0, 3)), Number(network))
  return operator && `${code.slice(0, 3)}-${network}`
}
