import { queryOfVariable, type BoardJson, type VariableJson } from './boards-json.ts'
import type { DataSource } from './data-source.ts'
import { ALL, withVariables, type Choice, type Variables } from './interpolate.ts'

/** The viewer's choices; a variable that is not listed is at "All", or at its first option. */
export type Chosen = Readonly<Record<string, Choice>>

/** The variables of a board as Grafana fills them: in order, each with the values before it. */
export async function chooseVariables(
  board: BoardJson,
  chosen: Chosen,
  source: DataSource,
): Promise<Variables> {
  const variables: Record<string, Variables[string]> = {}
  for (const variable of board.templating.list) {
    const { name, allValue } = variable
    const pick = chosen[name]
    const influxql = queryOfVariable(variable)
    if (pick !== undefined) variables[name] = { value: pick }
    else if (influxql === null) variables[name] = { value: firstOf(variable) }
    else if (allValue !== undefined) variables[name] = { value: ALL, allValue }
    else variables[name] = { value: await optionsOf(influxql, variables, source) }
  }
  return variables
}

/** The options of the drop-down. */
export async function optionsOf(
  influxql: string,
  variables: Variables,
  source: DataSource,
): Promise<string[]> {
  const rows = await source.query(withVariables(influxql, variables))
  return [...new Set(rows.map(({ values }) => String(values['value'])))].toSorted()
}

/** The first of a list of fixed options is chosen. */
function firstOf({ query }: VariableJson): string {
  return typeof query === 'string' ? (query.split(',')[0] ?? '') : ''
}
