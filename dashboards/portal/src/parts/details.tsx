import type { ComponentChildren } from 'preact'
import './details.css'

/** A list of names and values. */
export function Details({ children }: { readonly children: ComponentChildren }) {
  return <dl class="details">{children}</dl>
}

interface DetailProps {
  readonly title: string
  /** For tests: which value this is. */
  readonly name?: string
  readonly children: ComponentChildren
}

export function Detail({ title, name, children }: DetailProps) {
  return (
    <>
      <dt>{title}</dt>
      <dd data-fact={name}>{children}</dd>
    </>
  )
}
