import type { Source } from './sources.ts'
import { lineAt, nameOf, syntaxOf, walk, type SyntaxNode } from './syntax.ts'

/**
 * A function, method or arrow function with a body. It begins where its declaration, its key or the
 * variable that holds it begins, and ends with its body; comments and empty lines within count, those
 * before it do not. A function within another one is counted on its own, and its lines count in the
 * outer one too.
 */
export interface FunctionPlace {
  readonly path: string
  /** With the names of what it lies in: `createJournal.append`, `Journal.append`. */
  readonly name: string
  readonly line: number
  readonly lines: number
  readonly node: SyntaxNode
}

/** Name of a function that nothing holds, as an argument. */
export const ANONYMOUS = '(anonymous)'

const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'])
/** Give their name to the function that is their value. */
const HOLDERS = new Set([
  'MethodDefinition',
  'Property',
  'PropertyDefinition',
  'VariableDeclarator',
])

export function functionsOf(source: Source): readonly FunctionPlace[] {
  const root = syntaxOf(source)
  if (!root) return []
  const found: FunctionPlace[] = []
  walk(root, (node, ancestors) => {
    if (!FUNCTIONS.has(node.type)) return
    const holder = holderOf(node, ancestors)
    const line = lineAt(source.text, holder.start)
    const lines = lineAt(source.text, node.end) - line + 1
    const name = [...outerNames(holder === node ? ancestors : ancestors.slice(1)), ownName(holder)]
    found.push({ path: source.path, name: name.join('.'), line, lines, node })
  })
  return found
}

function holderOf(node: SyntaxNode, [parent]: readonly SyntaxNode[]): SyntaxNode {
  const holds =
    parent && HOLDERS.has(parent.type) && [parent['value'], parent['init']].includes(node)
  return holds ? parent : node
}

function ownName(holder: SyntaxNode): string {
  return nameOf(holder['key']) ?? nameOf(holder['id']) ?? ANONYMOUS
}

/** Names of the functions and classes around, the outermost first. */
function outerNames(ancestors: readonly SyntaxNode[]): readonly string[] {
  return ancestors
    .flatMap((node, at) => {
      if (node.type === 'ClassDeclaration') return [nameOf(node['id']) ?? '(class)']
      return FUNCTIONS.has(node.type) ? [ownName(holderOf(node, ancestors.slice(at + 1)))] : []
    })
    .filter((name) => name !== ANONYMOUS)
    .toReversed()
}
