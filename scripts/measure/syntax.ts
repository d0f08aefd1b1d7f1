import { parseAst } from 'vite'
import type { Source } from './sources.ts'

/** A node of the syntax tree (ESTree with TypeScript's nodes), read by field name. */
export interface SyntaxNode {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

/** The tree of a TypeScript or JavaScript file; null for other files. */
export function syntaxOf({ path, text }: Source): SyntaxNode | null {
  if (!/\.(ts|tsx|mjs)$/.test(path)) return null
  const lang = path.endsWith('.tsx') ? 'tsx' : 'ts'
  return parseAst(text, { lang }) as unknown as SyntaxNode
}

/** Visits a node and all below it, each with its ancestors, the nearest first. */
export function walk(
  node: SyntaxNode,
  visit: (node: SyntaxNode, ancestors: readonly SyntaxNode[]) => void,
  ancestors: readonly SyntaxNode[] = [],
): void {
  visit(node, ancestors)
  const below = [node, ...ancestors]
  for (const child of childrenOf(node)) walk(child, visit, below)
}

function childrenOf(node: SyntaxNode): readonly SyntaxNode[] {
  return Object.values(node).flatMap((value) => {
    if (Array.isArray(value)) return value.filter(isNode)
    return isNode(value) ? [value] : []
  })
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value
}

/** Nodes that are listed in a field. */
export function nodesIn(node: SyntaxNode, field: string): readonly SyntaxNode[] {
  const value = node[field]
  if (Array.isArray(value)) return value.filter(isNode)
  return isNode(value) ? [value] : []
}

/** The name an identifier, string or key stands for; null for other nodes. */
export function nameOf(node: unknown): string | null {
  if (!isNode(node)) return null
  if (node.type === 'Identifier') return String(node['name'])
  if (node.type === 'PrivateIdentifier') return `#${String(node['name'])}`
  if (node.type === 'Literal' && typeof node['value'] === 'string') return node['value']
  if (node.type === 'TSLiteralType') return nameOf(node['literal'])
  return null
}

/** Number of the line, from 1, in which an offset lies. */
export function lineAt(text: string, offset: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) {
    line += 1
  }
  return line
}
