import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const FOLDER = new URL('../../../dashboards/grafana/generated', import.meta.url).pathname

/** The parts of Grafana's JSON model that tests look at. */
export interface BoardJson {
  readonly uid: string
  readonly title: string
  readonly description: string
  readonly schemaVersion: number
  readonly timezone: string
  readonly panels: readonly PanelJson[]
  readonly templating: { readonly list: readonly VariableJson[] }
}

export interface PanelJson {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly interval?: string
  readonly repeat?: string
  readonly gridPos: {
    readonly x: number
    readonly y: number
    readonly w: number
    readonly h: number
  }
  readonly targets?: readonly TargetJson[]
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } }
  readonly transformations?: readonly { readonly id: string; readonly options: unknown }[]
  readonly datasource?: { readonly type?: string; readonly uid?: string }
  readonly collapsed?: boolean
  /** Panels of a closed row. */
  readonly panels?: readonly PanelJson[]
}

export interface TargetJson {
  readonly refId: string
  readonly query: string
  readonly rawQuery: boolean
  readonly resultFormat: string
  readonly alias?: string
  readonly datasource: { readonly type: string; readonly uid: string }
}

export interface VariableJson {
  readonly name: string
  readonly type: string
  readonly query: string | { readonly query: string }
  readonly multi: boolean
  readonly includeAll: boolean
  readonly allValue?: string
}

/** Every board as committed, which is the file that Grafana reads. */
export function readBoards(): BoardJson[] {
  return readdirSync(FOLDER).map((name) => JSON.parse(readFileSync(join(FOLDER, name), 'utf8')))
}

export function boardOf(uid: string): BoardJson {
  return JSON.parse(readFileSync(join(FOLDER, `${uid}.json`), 'utf8'))
}

/** Panels with data, including those of closed rows. */
export function panelsOf(board: BoardJson): PanelJson[] {
  return board.panels
    .flatMap((panel) => [panel, ...(panel.panels ?? [])])
    .filter(({ type }) => type !== 'row')
}

export function panelOf(board: BoardJson, id: number): PanelJson {
  const panel = panelsOf(board).find((one) => one.id === id)
  if (!panel) throw new Error(`${board.uid} has no panel ${id}`)
  return panel
}

/** The InfluxQL of a variable, null where it has none. */
export function queryOfVariable({ type, query }: VariableJson): string | null {
  if (type !== 'query') return null
  return typeof query === 'string' ? query : query.query
}
