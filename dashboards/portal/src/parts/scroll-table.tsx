import type { ComponentChildren } from 'preact'
import './scroll-table.css'

interface ScrollTableProps {
  /** For screen readers. */
  readonly label: string
  readonly children: ComponentChildren
}

/** A table that scrolls sideways on its own where the screen is narrow; reachable by keyboard. */
export function ScrollTable({ label, children }: ScrollTableProps) {
  return (
    <div class="scroll" role="region" aria-label={label} tabIndex={0}>
      <table>{children}</table>
    </div>
  )
}
