import type { ComponentChildren } from 'preact'
import { useLanguage } from '../frame/language.ts'
import { browserNowMs } from '../data/clock.ts'
import type { Answer } from '../data/hooks.ts'

interface AnsweredProps<T> {
  readonly path: string
  readonly answer: Answer<T>
  readonly children: (value: T) => ComponentChildren
}

/** Figures older than this are shown with their age when newer ones cannot be had. */
const STALE_MS = 10_000

/** The figures of an answer; or honestly, why there are none. */
export function Answered<T>({ path, answer, children }: AnsweredProps<T>) {
  const { t, formats } = useLanguage()
  const { opening, value, fault, loadedAtMs } = answer
  if (opening === 'missing') return <p class="none">{t('missingAddress', { path })}</p>
  if (opening === 'hidden') return <p class="none">{t('hiddenAddress')}</p>
  const detail = fault?.sort === 'unreachable' ? t('unreachable') : (fault?.detail ?? '')
  if (value === null) {
    return <p class="none">{fault ? t('failed', { detail }) : t('loading')}</p>
  }
  const ageMs = browserNowMs() - (loadedAtMs ?? 0)
  return (
    <>
      {fault && ageMs > STALE_MS && (
        <p class="stale-note">
          {t('stale', { age: formats.age(ageMs) })} {fault.sort === 'refused' && detail}
        </p>
      )}
      {children(value)}
    </>
  )
}
