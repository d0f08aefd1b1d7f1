import { boardOf, panelOf } from './boards-json.ts'
import { chooseVariables, type Chosen } from './choose-variables.ts'
import type { DataSource, Row } from './data-source.ts'
import { withMacros, withVariables, type Span } from './interpolate.ts'

/** The span, the chosen variables and the interval that a panel is drawn with. */
export interface View {
  readonly span: Span
  readonly chosen: Chosen
  readonly intervalMs: number
}

/** The rows that a query of a panel returns to Grafana. */
export async function panelRows(
  source: DataSource,
  { board: uid, panel: id, refId = 'A' }: { board: string; panel: number; refId?: string },
  { span, chosen, intervalMs }: View,
): Promise<readonly Row[]> {
  const board = boardOf(uid)
  const target = panelOf(board, id).targets?.find((one) => one.refId === refId)
  if (!target) throw new Error(`${uid}/${id} has no query ${refId}`)
  const variables = await chooseVariables(board, chosen, source)
  return await source.query(withMacros(withVariables(target.query, variables), span, intervalMs))
}
