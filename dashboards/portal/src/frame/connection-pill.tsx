import { useCell, useNow, usePortal } from '../data/use-portal.ts'
import { useLanguage } from '../words/use-language.ts'
import './connection-pill.css'
import { connectionOf } from './connection-state.ts'

/** Whether the page shows the present; screen readers announce only a change of state. */
export function ConnectionPill() {
  const portal = usePortal()
  const { t, formats } = useLanguage()
  const nowMs = useNow()
  const isReached = useCell(portal.isReached)
  const newestMs = useCell(portal.lastValues.newestMs)
  const transport = useCell(portal.transport)
  const { state, ageMs } = connectionOf({ isReached, newestMs, nowMs })
  return (
    <div class="connection">
      <span class={`pill ${state}`} role="status" data-state={state}>
        {t(`state.${state}`)}
      </span>
      <span class="age">
        {ageMs === null ? t('newestNone') : t('newestAge', { age: formats.age(ageMs) })}
      </span>
      <span class="transport" title={t('transportTitle')}>
        {t(transport === 'stream' ? 'viaStream' : 'viaPoll')}
      </span>
    </div>
  )
}
