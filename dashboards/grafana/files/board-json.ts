import {
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  RowBuilder,
  type Dashboard,
} from '@grafana/grafana-foundation-sdk/dashboard'
import type { Panel } from '../panels/panel.ts'
import type { Variable } from '../queries/variables.ts'

/** A board: its title, its variables, and its panels from top to bottom. */
export interface Board {
  readonly uid: string
  readonly title: string
  readonly description: string
  /** The span shown first, up to now: `6h`, `30d`. */
  readonly span: string
  readonly refresh: string
  /** IANA name, where days or months are shown; else the viewer's own. */
  readonly timeZone?: string
  readonly variables: readonly Variable[]
  readonly rows: readonly Row[]
}

/** Panels side by side, of equal width; those that do not fit follow on the next line. */
export interface Row {
  /** Unique among rows and panels. */
  readonly id: number
  readonly title: string
  readonly heightUnits: number
  readonly perLine: number
  /** Closed at first; its queries run only when it is opened. */
  readonly isClosed?: true
  readonly panels: readonly Panel[]
}

/** Grafana's grid is this many units wide. */
const GRID_WIDTH = 24

/** The JSON model that Grafana provisions. */
export function dashboardOf(board: Board): Dashboard {
  const builder = new DashboardBuilder(board.title)
    .uid(board.uid)
    .description(board.description)
    .tags(['padborg'])
    .timezone(board.timeZone ?? 'browser')
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: `now-${board.span}`, to: 'now' })
    .refresh(board.refresh)
    .variables([...board.variables])
    .link(
      new DashboardLinkBuilder('Padborg boards')
        .type(DashboardLinkType.Dashboards)
        .tags(['padborg'])
        .asDropdown(true)
        .includeVars(true)
        .keepTime(true),
    )
  let top = 0
  for (const row of board.rows) {
    const head = new RowBuilder(row.title).id(row.id).collapsed(row.isClosed ?? false)
    head.gridPos({ x: 0, y: top, w: GRID_WIDTH, h: 1 })
    place(row, top + 1)
    if (row.isClosed) for (const panel of row.panels) head.withPanel(panel.builder)
    builder.withRow(head)
    if (!row.isClosed) for (const panel of row.panels) builder.withPanel(panel.builder)
    // A closed row takes no room below its title.
    top += 1 + (row.isClosed ? 0 : linesOf(row) * row.heightUnits)
  }
  return builder.build()
}

function place({ panels, perLine, heightUnits }: Row, top: number): void {
  const width = Math.floor(GRID_WIDTH / perLine)
  for (const [at, { builder }] of panels.entries()) {
    builder.gridPos({
      x: (at % perLine) * width,
      y: top + Math.floor(at / perLine) * heightUnits,
      w: width,
      h: heightUnits,
    })
  }
}

function linesOf({ panels, perLine }: Row): number {
  return Math.ceil(panels.length / perLine)
}
