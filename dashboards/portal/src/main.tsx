import { render } from 'preact'
import { App } from './frame/app.tsx'
import { createLanguageCell } from './frame/language.ts'
import { createPlace } from './frame/router.ts'
import { createTheme } from './frame/theme.ts'
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
