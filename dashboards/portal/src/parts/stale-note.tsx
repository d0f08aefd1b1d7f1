import { browserNowMs } from '../api/platform-clock.ts'
import { useNow } from '../data/use-portal.ts'
import type { QueryState } from '../data/use-query.ts'
import { useLanguage } from '../words/use-language.ts'

/** How old a result is that could not be replaced. */
export function StaleNote({
  query: { loadedAtMs, fault },
}: {
  readonly query: QueryState<unknown>
}) {
  const { t, formats } = useLanguage()
  useNow()
  const detail = fault?.reason === 'refused' ? ` ${fault.detail}` : ''
  return (
    <p class="stale-note">
      {t('stale', { age: formats.age(browserNowMs() - (loadedAtMs ?? 0)) }) + detail}
    </p>
  )
}
