import { useNow, usePortal } from '../../data/use-portal.ts'
import { useQuery } from '../../data/use-query.ts'
import { DrillLink } from '../../links/drill-link.tsx'
import { Panel } from '../../parts/panel.tsx'
import { QueryResult } from '../../parts/query-result.tsx'
import { useLanguage } from '../../words/use-language.ts'
import { kindSummaries, lateAfterMs, type DeviceState, type KindSummary } from './device-states.ts'
import './kinds.css'
import { useDeviceStates } from './use-device-states.ts'

const LISTED = 8

/** What is connected and what is late, per kind. */
export function Kinds() {
  const { t } = useLanguage()
  const { polls } = usePortal()
  const states = useDeviceStates()
  const query = useQuery(polls.lastValues)
  return (
    <Panel name="kinds" title={t('kinds')} worth={t('kindsWorth')}>
      <QueryResult query={query}>
        {() =>
          states && (
            <>
              <KindTable summaries={kindSummaries(states)} />
              <LateDevices states={states} />
            </>
          )
        }
      </QueryResult>
    </Panel>
  )
}

function KindTable({ summaries }: { readonly summaries: readonly KindSummary[] }) {
  const { t, named, formats } = useLanguage()
  const nowMs = useNow()
  if (summaries.length === 0) return <p class="none">{t('noData')}</p>
  return (
    <table class="kinds">
      <thead>
        <tr>
          <th scope="col">{t('kind')}</th>
          <th scope="col" class="n">
            {t('fresh')}
          </th>
          <th scope="col" class="n">
            {t('late')}
          </th>
          <th scope="col" class="n">
            {t('silent')}
          </th>
          <th scope="col" class="n">
            {t('last')}
          </th>
          <th scope="col" class="n wide">
            {t('limit')}
          </th>
        </tr>
      </thead>
      <tbody>
        {summaries.map(({ kind, fresh, late, silent, lastMs }) => (
          <tr key={kind} data-kind={kind}>
            <th scope="row">
              <DrillLink to={{ show: 'readings', kind, span: '1h' }} what={named('kind', kind)}>
                {named('kind', kind)}
              </DrillLink>
            </th>
            <td class="n good">{formats.count(fresh)}</td>
            <td class={late > 0 ? 'n warn' : 'n'}>{formats.count(late)}</td>
            <td class={silent > 0 ? 'n warn' : 'n'}>{formats.count(silent)}</td>
            <td class="n">{formats.age(lastMs === null ? null : Math.max(0, nowMs - lastMs))}</td>
            <td class="n quiet wide">{formats.age(lateAfterMs(kind))}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function LateDevices({ states }: { readonly states: readonly DeviceState[] }) {
  const { t, formats } = useLanguage()
  const nowMs = useNow()
  const late = states
    .filter(({ freshness }) => freshness !== 'fresh')
    .toSorted((a, b) => (b.receivedMs ?? 0) - (a.receivedMs ?? 0))
  if (states.length === 0) return null
  if (late.length === 0) return <p class="fine">{t('allFresh')}</p>
  return (
    <>
      <h3>{t('staleDevices')}</h3>
      <ul class="chips">
        {late.slice(0, LISTED).map(({ device, kind, receivedMs }) => (
          <li key={device}>
            <DrillLink to={{ show: 'readings', kind, device, span: '24h' }} what={device}>
              {device}
            </DrillLink>{' '}
            <span class="quiet">
              {receivedMs === null ? t('silent') : formats.age(nowMs - receivedMs)}
            </span>
          </li>
        ))}
        {late.length > LISTED && (
          <li>{t('staleMore', { n: formats.count(late.length - LISTED) })}</li>
        )}
      </ul>
    </>
  )
}
