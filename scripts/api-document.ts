import { rolesWith } from '#lib/access/policy.ts'
import { QUERIES } from '#lib/queries/catalogue.ts'
import { columnsOf } from '#lib/queries/columns.ts'
import type { AnyQuery } from '#lib/queries/query.ts'

/** docs/api.md: every query with its parameters and columns, made of the catalogue. */
export function apiDocument(): string {
  const queries = Object.entries<AnyQuery>(QUERIES)
  const index = queries.map(
    ([name, { path, summary }]) => `| [\`GET /api/v1${path}\`](#${anchorOf(name)}) | ${summary} |`,
  )
  return [
    '# Queries of the API',
    '',
    'Made by `npm run generate` from `lib/queries/catalogue.ts`; `GET /api/v1/queries` returns the same.',
    'Lists and series are also CSV (`as=csv` or `Accept: text/csv`). Every address, registry and session',
    'included, is in the OpenAPI document at `/openapi.json`; its page is `/docs`.',
    '',
    '| address | what |',
    '| --- | --- |',
    ...index,
    '',
    ...queries.flatMap(sectionOf),
  ].join('\n')
}

function sectionOf([name, query]: [string, AnyQuery]): string[] {
  const { path, summary, permission, parameters, row } = query
  return [
    `## ${name}`,
    '',
    `\`GET /api/v1${path}\`: ${summary}.`,
    `Roles: ${rolesWith(permission).join(', ')} (\`${permission}\`).`,
    '',
    ...tableOf(
      ['parameter', 'meaning'],
      Object.entries(parameters).map(([key, { description = '' }]) => [`\`${key}\``, description]),
    ),
    ...tableOf(
      ['column', 'unit', 'meaning'],
      columnsOf(row).map((one) => [`\`${one.name}\``, one.unit ?? '', one.description ?? '']),
    ),
  ]
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return []
  const lineOf = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll(/[|<]/g, '\\$&')).join(' | ')} |`
  return [lineOf(head), lineOf(head.map(() => '---')), ...rows.map(lineOf), '']
}

function anchorOf(name: string): string {
  return name.toLowerCase()
}
