import { KINDS, isKind } from '#lib/telemetry/catalogue.ts'
import { RADIO_FIELDS } from '#lib/telemetry/radio.ts'
import { suggestField } from '#lib/runtime/suggest-name.ts'
import type { FindingRule } from '../finding.ts'

/** Names beside known ones: the message is stored, and their values are not. */
export const unknownField: FindingRule = {
  codes: ['unknown_field'],
  find({ device: { kind }, facts: { unknownFields } }) {
    const fields = { ...(isKind(kind) ? KINDS[kind].fields : {}), ...RADIO_FIELDS }
    return Object.entries(unknownFields)
      .toSorted(([, a], [, b]) => b - a)
      .map(([path, count]) => {
        const near = suggestField(path.slice(path.indexOf('.') + 1), Object.keys(fields))
        const advice =
          near === null
            ? `no field of ${kind} has this name, so its values are not stored; GET /api/v1/kinds lists them`
            : `its values are not stored: call it ${near}`
        const example = `${count} readings had it`
        return { code: 'unknown_field', severity: 'warning', path, example, advice } as const
      })
  },
}
