import { settingProblem, settingsOf } from '#lib/registry/device-settings.ts'
import { FORMAT_LIST } from '../../formats/catalogue.ts'
import type { FindingRule } from '../finding.ts'

/** Settings of a device that an earlier version registered without looking at them. */
export const wrongSetting: FindingRule = {
  codes: ['wrong_setting'],
  find({ device: { kind, format, settings } }) {
    const problem = settingProblem(settings, settingsOf(kind, format, FORMAT_LIST))
    if (!problem) return []
    const { path, expected, todo } = problem
    const advice = `expected ${expected}; ${todo}, with PATCH /api/v1/devices/:id`
    // Not its value: it may be a secret under a wrong name.
    return [{ code: 'wrong_setting', severity: 'warning', path, example: path, advice }]
  },
}
