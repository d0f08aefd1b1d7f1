import { ALERT_RULES } from './alerts.ts'
import { BOARDS } from './boards.ts'
import { alertFile } from './files/alerts-yaml.ts'
import { dashboardOf } from './files/board-json.ts'

/** Files that `npm run generate` writes: path from the root -> text. */
export const GRAFANA_FILES: Readonly<Record<string, () => string>> = {
  ...Object.fromEntries(
    BOARDS.map((board) => [
      `dashboards/grafana/generated/${board.uid}.json`,
      () => `${JSON.stringify(dashboardOf(board), null, 2)}\n`,
    ]),
  ),
  'dashboards/grafana/provisioning/alerting/padborg.yaml': () => alertFile(ALERT_RULES),
}
