import './styles/colours.css'
import './styles/elements.css'
import './styles/text.css'
import { render } from 'preact'
import { createPortal } from './data/portal.ts'
import { App } from './frame/app.tsx'
import { createLanguageCell } from './frame/language-choice.ts'
import { createTheme } from './frame/theme.ts'
import { createRoute } from './links/route.ts'

const root = document.getElementById('portal')
if (!root) throw new Error('expected an element #portal in the page, found none')
render(
  <App
    portal={createPortal()}
    language={createLanguageCell()}
    theme={createTheme()}
    route={createRoute()}
  />,
  root,
)
