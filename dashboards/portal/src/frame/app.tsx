import { useEffect, useLayoutEffect } from 'preact/hooks'
import type { Cell } from '../data/cell.ts'
import type { Portal } from '../data/portal.ts'
import { PortalProvider, useCell } from '../data/use-portal.ts'
import { DevicePage } from '../devices/device-page.tsx'
import { DrillDown } from '../drill-down/drill-down.tsx'
import { Overview } from '../homes/overview.tsx'
import type { Route } from '../links/route.ts'
import type { Language } from '../words/language.ts'
import { LanguageProvider } from '../words/use-language.ts'
import './app.css'
import { Dimmed } from './dimmed.tsx'
import { Header } from './header.tsx'
import { resumeSession, SignIn } from './sign-in.tsx'
import type { Theme } from './theme.ts'

interface AppProps {
  readonly portal: Portal
  readonly language: Cell<Language>
  readonly theme: Cell<Theme>
  readonly route: Cell<Route>
}

export function App({ portal, language, theme, route }: AppProps) {
  const session = useCell(portal.session)
  const spoken = useCell(language)
  const current = useCell(route)
  useEffect(() => void resumeSession(portal), [portal])
  useLayoutEffect(() => {
    document.documentElement.lang = spoken.code
    document.title = spoken.t('title')
  }, [spoken])
  return (
    <PortalProvider value={portal}>
      <LanguageProvider value={spoken}>
        <a class="skip" href="#figures">
          {spoken.t('skip')}
        </a>
        <Header language={language} theme={theme} />
        <main id="figures" tabIndex={-1}>
          {session ? (
            <Dimmed>
              <Page route={current} />
            </Dimmed>
          ) : (
            <SignIn />
          )}
        </main>
        {session && <DrillDown route={current} />}
      </LanguageProvider>
    </PortalProvider>
  )
}

function Page({ route: { page, parameters } }: { readonly route: Route }) {
  return page === 'device' ? <DevicePage device={parameters['id']} /> : <Overview />
}
