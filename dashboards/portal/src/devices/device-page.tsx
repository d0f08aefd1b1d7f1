import { usePortal } from '../data/use-portal.ts'
import { useQuery } from '../data/use-query.ts'
import { hashOf } from '../links/route.ts'
import { Panel } from '../parts/panel.tsx'
import { QueryResult } from '../parts/query-result.tsx'
import { useLanguage } from '../words/use-language.ts'
import './device-page.css'
import { Facts } from './facts.tsx'
import { Findings } from './findings.tsx'
import { useConformance } from './use-conformance.ts'

/** Whether one device sends correctly: findings and facts. */
export function DevicePage({ device }: { readonly device: string | undefined }) {
  const { t } = useLanguage()
  return (
    <div class="device-page">
      <nav>
        <a href={hashOf({ page: 'overview', parameters: {} })}>{t('backToOverview')}</a>
        <DeviceChoice device={device} />
      </nav>
      {device === undefined ? (
        <p class="none">{t('chooseDevice')}</p>
      ) : (
        <ConformanceOf key={device} device={device} />
      )}
    </div>
  )
}

function ConformanceOf({ device }: { readonly device: string }) {
  const { t } = useLanguage()
  const query = useConformance(device)
  return (
    <Panel
      name="conformance"
      title={`${t('conformance')}: ${device}`}
      worth={t('conformanceWorth')}
    >
      <QueryResult query={query}>
        {({ findings, facts }) => (
          <div class="conformance">
            <section>
              <h3>{t('findings')}</h3>
              <Findings findings={findings} />
            </section>
            <section>
              <h3>{t('facts')}</h3>
              <Facts facts={facts} />
            </section>
          </div>
        )}
      </QueryResult>
    </Panel>
  )
}

function DeviceChoice({ device = '' }: { readonly device: string | undefined }) {
  const { t } = useLanguage()
  const { polls } = usePortal()
  const known = useQuery(polls.devices).value?.data.map(({ id }) => id) ?? []
  const ids = device === '' || known.includes(device) ? known : [device, ...known]
  return (
    <select
      aria-label={t('chooseDevice')}
      value={device}
      onChange={({ currentTarget: { value } }) => {
        location.hash = hashOf({ page: 'device', parameters: { id: value } })
      }}
    >
      {device === '' && <option value="">{t('chooseDevice')}</option>}
      {ids.map((id) => (
        <option key={id} value={id}>
          {id}
        </option>
      ))}
    </select>
  )
}
