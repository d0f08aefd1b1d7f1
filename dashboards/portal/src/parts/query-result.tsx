import type { ComponentChildren } from 'preact'
import type { QueryState } from '../data/use-query.ts'
import { useStale } from '../data/use-stale.ts'
import { useLanguage } from '../words/use-language.ts'
import './query-result.css'
import { StaleNote } from './stale-note.tsx'

interface QueryResultProps<T> {
  readonly query: QueryState<T>
  readonly children: (value: T) => ComponentChildren
}

/** Draws the result of a query, or the reason why there is none. */
export function QueryResult<T>({ query, children }: QueryResultProps<T>) {
  const { t } = useLanguage()
  const isStale = useStale(query)
  const { path, access, value, fault } = query
  if (access === 'missing') return <p class="none">{t('missingAddress', { path })}</p>
  if (access === 'hidden') return <p class="none">{t('hiddenAddress')}</p>
  const detail = fault?.reason === 'unreachable' ? t('unreachable') : (fault?.detail ?? '')
  if (value === null) {
    return <p class="none">{fault ? t('failed', { detail }) : t('loading')}</p>
  }
  return (
    <>
      {isStale && <StaleNote query={query} />}
      <div class={isStale ? 'stale' : ''}>{children(value)}</div>
    </>
  )
}
