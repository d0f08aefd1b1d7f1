import type { ComponentChildren } from 'preact'
import { browserNowMs } from '../api/platform-clock.ts'
import type { QueryState } from '../data/use-query.ts'
import { useLanguage } from '../words/use-language.ts'
import './query-result.css'

interface QueryResultProps<T> {
  readonly query: QueryState<T>
  readonly children: (value: T) => ComponentChildren
}

/** Figures older than this show their age when newer ones cannot be loaded. */
const STALE_MS = 10_000

/** Draws the result of a query, or the reason why there is none. */
export function QueryResult<T>({ query, children }: QueryResultProps<T>) {
  const { t, formats } = useLanguage()
  const { path, access, value, fault, loadedAtMs } = query
  if (access === 'missing') return <p class="none">{t('missingAddress', { path })}</p>
  if (access === 'hidden') return <p class="none">{t('hiddenAddress')}</p>
  const detail = fault?.reason === 'unreachable' ? t('unreachable') : (fault?.detail ?? '')
  if (value === null) {
    return <p class="none">{fault ? t('failed', { detail }) : t('loading')}</p>
  }
  const ageMs = browserNowMs() - (loadedAtMs ?? 0)
  return (
    <>
      {fault && ageMs > STALE_MS && (
        <p class="stale-note">
          {t('stale', { age: formats.age(ageMs) })} {fault.reason === 'refused' && detail}
        </p>
      )}
      {children(value)}
    </>
  )
}
