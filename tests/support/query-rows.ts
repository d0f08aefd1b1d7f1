import type { QueryName, QueryOf, ResultOf, RowsOf } from '#lib/queries/catalogue.ts'
import type { IngestPort } from '#lib/queries/port.ts'
import { isTooMany, type TooMany } from '#lib/telemetry/too-many.ts'

type Port = Pick<IngestPort, 'query'>

/** The result of a query that is within its limits. */
export async function queryResult<N extends QueryName>(
  port: Port,
  name: N,
  query: QueryOf<N>,
): Promise<Exclude<ResultOf<N>, TooMany>> {
  const result = await port.query(name, query)
  if (isTooMany(result)) throw new Error(`${name} reads more than ${result.limit}`)
  return result as Exclude<ResultOf<N>, TooMany>
}

export async function queryRows<N extends QueryName>(
  port: Port,
  name: N,
  query: QueryOf<N>,
): Promise<RowsOf<N>> {
  return (await queryResult(port, name, query)).rows
}
