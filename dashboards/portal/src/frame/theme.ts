import { createCell, type Cell } from '../data/cell.ts'
import { readItem, writeItem } from './browser-storage.ts'

export const THEMES = ['auto', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

export function createTheme(): Cell<Theme> {
  const stored = readItem('theme')
  const theme = createCell<Theme>(THEMES.find((name) => name === stored) ?? 'auto')
  apply(theme.get())
  theme.subscribe(() => {
    writeItem('theme', theme.get())
    apply(theme.get())
  })
  return theme
}

/** The colours are CSS alone; without the attribute they follow the system. */
function apply(theme: Theme): void {
  if (theme === 'auto') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme
}
