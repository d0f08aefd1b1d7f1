import { z } from 'zod'
import { rolesWith } from '#lib/access/policy.ts'
import { QUERIES } from '#lib/queries/catalogue.ts'
import { columnsOf } from '#lib/queries/columns.ts'
import type { AnyQuery } from '#lib/queries/query.ts'
import type { Api } from '../api.ts'
import type { Add } from '../endpoint.ts'
import { list } from '../replies/response.ts'
import { listSchema } from '../replies/schemas.ts'

const columnSchema = z.object({
  name: z.string(),
  unit: z.string().nullable().describe('UCUM code; null for what is no number.'),
  description: z.string().nullable(),
})

const querySchema = z.object({
  name: z.string(),
  path: z.string().describe('Below /api/v1.'),
  summary: z.string(),
  permission: z.string(),
  roles: z.array(z.string()),
  parameters: z.array(z.object({ name: z.string(), description: z.string().nullable() })),
  columns: z.array(columnSchema),
})

type QueryRow = z.infer<typeof querySchema>

/** The catalogue of queries with units and descriptions. */
export function addQueries(add: Add, _api: Api): void {
  const data = Object.entries<AnyQuery>(QUERIES).map(rowOf)
  add({
    method: 'GET',
    url: '/queries',
    permission: 'kinds:read',
    tag: 'readings',
    summary: 'Every query with its parameters, columns, units and roles',
    response: listSchema(querySchema),
    isList: true,
    handle: () =>
      list<QueryRow>(
        { data, next: null },
        {
          name: (row) => row.name,
          path: (row) => row.path,
          summary: (row) => row.summary,
          permission: (row) => row.permission,
          roles: (row) => row.roles.join(' '),
          columns: (row) => row.columns.map(({ name }) => name).join(' '),
        },
      ),
  })
}

function rowOf([name, query]: [string, AnyQuery]): QueryRow {
  const { path, summary, permission, parameters, row } = query
  return {
    name,
    path,
    summary,
    permission,
    roles: [...rolesWith(permission)],
    parameters: Object.entries(parameters).map(([key, schema]) => ({
      name: key,
      description: schema.description ?? null,
    })),
    columns: columnsOf(row),
  }
}
