import type { Source } from './sources.ts'
import { isNode, lineAt, nameOf, syntaxOf, walk, type SyntaxNode } from './syntax.ts'

/*
 * Places that declare or list a column of a result. Not counted: where a value for it is computed
 * (`p95Ms: percentile(95)`) and where it is read (`row.p95Ms`, `row['p95Ms']`, `{ p95Ms } = row`).
 */
export type DeclarationSort =
  /** A member of an interface or type. */
  | 'type'
  /** A key of an object that is given to a schema (`z.object({ p95Ms: ... })`). */
  | 'schema'
  /** A key whose value is a text (its unit) or a function of the row (how it is shown). */
  | 'table'
  /** Its name as a text. */
  | 'text'

export interface Declaration {
  readonly path: string
  readonly line: number
  readonly sort: DeclarationSort
}

export function declarationsOf(column: string, sources: readonly Source[]): readonly Declaration[] {
  return sources
    .filter(({ isTest, text }) => !isTest && text.includes(column))
    .flatMap((source) => {
      const root = syntaxOf(source)
      const found: Declaration[] = []
      if (root) {
        walk(root, (node, ancestors) => {
          const sort = sortOf(column, node, ancestors)
          const line = lineAt(source.text, node.start)
          if (sort) found.push({ path: source.path, line, sort })
        })
      }
      return found
    })
}

function sortOf(
  column: string,
  node: SyntaxNode,
  ancestors: readonly SyntaxNode[],
): DeclarationSort | null {
  const [parent, grandparent] = ancestors
  if (node.type === 'TSPropertySignature' && nameOf(node['key']) === column) return 'type'
  if (node.type === 'Property' && parent?.type === 'ObjectExpression') {
    if (nameOf(node['key']) !== column) return null
    if (isSchemaCall(grandparent)) return 'schema'
    return isTableValue(node['value']) ? 'table' : null
  }
  const isText = node.type === 'Literal' && node['value'] === column
  const isKey = parent?.['key'] === node || parent?.type === 'MemberExpression'
  return isText && !isKey ? 'text' : null
}

function isSchemaCall(node: SyntaxNode | undefined): boolean {
  const callee = node?.type === 'CallExpression' ? node['callee'] : null
  return (
    isNode(callee) &&
    callee.type === 'MemberExpression' &&
    ['object', 'strictObject', 'looseObject', 'extend'].includes(nameOf(callee['property']) ?? '')
  )
}

function isTableValue(value: unknown): boolean {
  if (!isNode(value)) return false
  return value.type === 'ArrowFunctionExpression' || typeof value['value'] === 'string'
}
