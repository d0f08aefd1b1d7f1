import type { ComponentChildren } from 'preact'
import './panel.css'

interface PanelProps {
  /** Also selects its place in the grid of the page. */
  readonly name: string
  readonly title: string
  /** What the figures are worth: method, span, coverage. */
  readonly worth?: string
  readonly actions?: ComponentChildren
  readonly children: ComponentChildren
}

export function Panel({ name, title, worth, actions, children }: PanelProps) {
  return (
    <section class={`panel panel-${name}`} aria-labelledby={`title-${name}`} data-panel={name}>
      <header>
        <h2 id={`title-${name}`}>{title}</h2>
        {actions}
        {worth && <p class="worth">{worth}</p>}
      </header>
      {children}
    </section>
  )
}
