import { boardOf, panelOf } from './boards-json.ts'
import { chooseOn, type Chosen } from './choices.ts'
import type { DataSource, Row } from './grafana-server.ts'
import { withMacros, withVariables, type Span } from './interpolate.ts'

/** What somebody looks at: a span, choices, and how wide an interval is on their screen. */
export interface View {
  readonly span: Span
  readonly chosen: Chosen
  readonly intervalMs: number
}

/** The rows behind a query of a panel, as Grafana would get them. */
export async function show(
  source: DataSource,
  { board: uid, panel: id, refId = 'A' }: { board: string; panel: number; refId?: string },
  { span, chosen, intervalMs }: View,
): Promise<readonly Row[]> {
  const board = boardOf(uid)
  const target = panelOf(board, id).targets?.find((one) => one.refId === refId)
  if (!target) throw new Error(`${uid}/${id} has no query ${refId}`)
  const variables = await chooseOn(board, chosen, source)
  return await source.query(withMacros(withVariables(target.query, variables), span, intervalMs))
}
