import { connectionOf } from '../data/connection.ts'
import { useCell, useNow, usePortal } from '../data/hooks.ts'
import { useLanguage } from './language.ts'

/** Whether the page sees what happens now; only a change of state is spoken. */
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
