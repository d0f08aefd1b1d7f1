import { useCell, usePortal } from '../data/use-portal.ts'
import { useLanguage } from '../words/use-language.ts'
import './connection-pill.css'
import { useConnection } from './use-connection.ts'

/** Whether the page shows the present; screen readers announce only a change of state. */
export function ConnectionPill() {
  const portal = usePortal()
  const { t, formats } = useLanguage()
  const transport = useCell(portal.transport)
  const { state, ageMs } = useConnection()
  return (
    <div class="connection">
      <span class={`pill ${state}`} role="status" data-state={state}>
        {t(`state.${state}`)}
      </span>
      <span class="age">
        {ageMs === null
          ? t('newestNone')
          : t(state === 'disconnected' ? 'contactAge' : 'newestAge', { age: formats.age(ageMs) })}
      </span>
      <span class="transport" title={t('transportTitle')}>
        {t(transport === 'stream' ? 'viaStream' : 'viaPoll')}
      </span>
    </div>
  )
}
