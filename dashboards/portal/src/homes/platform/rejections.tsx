import type { Rejection } from '../../api/rows.ts'
import { usePortal } from '../../data/use-portal.ts'
import { useQuery } from '../../data/use-query.ts'
import { DrillLink } from '../../links/drill-link.tsx'
import { Panel } from '../../parts/panel.tsx'
import { QueryResult } from '../../parts/query-result.tsx'
import { useLanguage } from '../../words/use-language.ts'
import './rejections.css'

const LISTED = 8

export function Rejections() {
  const { t } = useLanguage()
  const { polls } = usePortal()
  const query = useQuery(polls.rejections)
  return (
    <Panel name="rejections" title={t('rejections')} worth={t('rejectionsWorth')}>
      <QueryResult query={query}>
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
      </QueryResult>
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
