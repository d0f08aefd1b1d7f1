import { useLanguage } from '../frame/language.ts'
import { hashOf } from '../frame/router.ts'
import { useAnswer, usePortal } from '../data/hooks.ts'
import { Answered } from '../parts/answered.tsx'
import { Panel } from '../parts/panel.tsx'
import { Facts } from './facts.tsx'
import { Findings } from './findings.tsx'
import { CONFORMANCE, useConformance } from '../data/use-conformance.ts'

/** What is right and wrong with what one device sends. */
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
  const answer = useConformance(device)
  return (
    <Panel
      name="conformance"
      title={`${t('conformance')}: ${device}`}
      worth={t('conformanceWorth')}
    >
      <Answered path={CONFORMANCE} answer={answer}>
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
      </Answered>
    </Panel>
  )
}

function DeviceChoice({ device = '' }: { readonly device: string | undefined }) {
  const { t } = useLanguage()
  const { polls } = usePortal()
  const known = useAnswer('/devices', polls.devices).value?.data.map(({ id }) => id) ?? []
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
