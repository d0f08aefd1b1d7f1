import { render } from 'preact'
import { App } from './app/app.tsx'
import { createLanguageCell } from './app/language.ts'
import { createPlace } from './app/router.ts'
import { createTheme } from './app/theme.ts'
import { createPortal } from './data/portal.ts'
import './styles/colours.css'
import './styles/base.css'
import './styles/shell.css'
import './styles/panels.css'
import './styles/map.css'
import './styles/sheet.css'
import './styles/device.css'

const root = document.getElementById('portal')
if (!root) throw new Error('the page has no element #portal')
render(
  <App
    portal={createPortal()}
    language={createLanguageCell()}
    theme={createTheme()}
    place={createPlace()}
  />,
  root,
)
