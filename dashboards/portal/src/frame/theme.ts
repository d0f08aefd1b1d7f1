import { createCell, type Cell } from '../data/cell.ts'
import { recall, remember } from './memory.ts'

export const THEMES = ['auto', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

export function createTheme(): Cell<Theme> {
  const kept = recall('theme')
  const theme = createCell<Theme>(THEMES.find((name) => name === kept) ?? 'auto')
  show(theme.get())
  theme.subscribe(() => {
    remember('theme', theme.get())
    show(theme.get())
  })
  return theme
}

/** The colours are CSS alone; without the attribute they follow the system. */
function show(theme: Theme): void {
  if (theme === 'auto') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme
}
