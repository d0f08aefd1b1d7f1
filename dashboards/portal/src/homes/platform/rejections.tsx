import { useLanguage } from '../../frame/language.ts'
import type { Rejection } from '../../data/answers.ts'
import { useAnswer, usePortal } from '../../data/hooks.ts'
import { Answered } from '../../parts/answered.tsx'
import { DrillLink } from '../../parts/drill-link.tsx'
import { Panel } from '../../parts/panel.tsx'

const LISTED = 8

export function Rejections() {
  const { t } = useLanguage()
  const { polls } = usePortal()
  const answer = useAnswer('/rejections', polls.rejections)
  return (
    <Panel name="rejections" title={t('rejections')} worth={t('rejectionsWorth')}>
      <Answered path="/rejections" answer={answer}>
        {({ data }) =>
          data.length === 0 ? (
            <p class="fine">{t('noRejections')}</p>
          ) : (
            <ol class="rejections">
              {data.slice(0, LISTED).map((rejection) => (
                <RejectionLine key={rejection.id} {...rejection} />
              ))}
            </ol>
          )
        }
      </Answered>
    </Panel>
  )
}

function RejectionLine({ id, time, device, reason, path, expected, got, recoveredAt }: Rejection) {
  const { t, named, formats } = useLanguage()
  return (
    <li data-rejection={id}>
      <DrillLink to={{ show: 'rejection', id, from: time }}>
        <time dateTime={time}>{formats.moment(time)}</time> {device}
      </DrillLink>{' '}
      <b class="warn">{named('reason', reason)}</b> {t('path')}{' '}
      <code>{path === '' ? t('wholeMessage') : path}</code>
      <span class="quiet">
        {': '}
        {t('expected')} {expected}, {t('got')} {got}
        {recoveredAt && ` · ${t('recovered', { time: formats.moment(recoveredAt) })}`}
      </span>
    </li>
  )
}
