import { useMemo } from 'preact/hooks'
import type { List, Rejection } from '../api/rows.ts'
import { createPoll } from '../data/poll.ts'
import { isoOf } from '../data/spans.ts'
import { usePortal } from '../data/use-portal.ts'
import { useQuery } from '../data/use-query.ts'
import { CheckLink } from '../devices/check-link.tsx'
import { DrillLink } from '../links/drill-link.tsx'
import { Detail, Details } from '../parts/details.tsx'
import { QueryResult } from '../parts/query-result.tsx'
import { Sheet } from '../parts/sheet.tsx'
import { useLanguage } from '../words/use-language.ts'
import { payloadOf } from './payload.ts'
import './rejection-sheet.css'
import type { SheetParameters } from './selection.ts'

interface SheetProps {
  readonly parameters: SheetParameters
  readonly onClose: () => void
}

const EVERY_MS = 30_000
const LIMIT = 1000

/** One rejected message: why, and its original bytes. */
export function RejectionSheet({ parameters, onClose }: SheetProps) {
  const { t } = useLanguage()
  const { client } = usePortal()
  const { id = '', from = '' } = parameters
  const poll = useMemo(() => {
    const path = '/rejections'
    const atMs = Date.parse(from) || 0
    const second = { from: isoOf(atMs), to: isoOf(atMs + 1000), limit: LIMIT }
    return createPoll({
      path,
      everyMs: EVERY_MS,
      load: () => client.get<List<Rejection>>(path, second),
    })
  }, [from])
  const query = useQuery(poll)
  return (
    <Sheet title={t('drillRejection')} onClose={onClose}>
      <QueryResult query={query}>
        {({ data }) => {
          const rejection = data.find((one) => one.id === id)
          if (!rejection) return <p class="none">{t('noData')}</p>
          return (
            <>
              <RejectionDetails {...rejection} />
              <Payload base64={rejection.payloadBase64} />
            </>
          )
        }}
      </QueryResult>
    </Sheet>
  )
}

function RejectionDetails(rejection: Rejection) {
  const { t, named, formats } = useLanguage()
  const { device, time, reason, path, expected, got, topic, format, item, recoveredAt } = rejection
  const more = rejection.elements - 1
  return (
    <Details>
      <Detail title={t('reason')}>
        <b class="warn">{named('reason', reason)}</b> <code>{reason}</code>
      </Detail>
      <Detail title={t('path')}>
        <code>{path === '' ? t('wholeMessage') : path}</code>
        {item !== null && ` · ${t(more > 0 ? 'items' : 'item', { n: item, more })}`}
      </Detail>
      <Detail title={t('expected')}>{expected}</Detail>
      <Detail title={t('got')}>{got}</Detail>
      <Detail title={t('device')}>
        <DrillLink to={{ show: 'readings', device, span: '1h' }} what={device}>
          {device}
        </DrillLink>{' '}
        <CheckLink device={device} />
      </Detail>
      <Detail title={t('received')}>{formats.moment(time)}</Detail>
      <Detail title={t('topic')}>
        <code>{topic}</code>
      </Detail>
      <Detail title={t('format')}>
        {format} {recoveredAt && t('recovered', { time: formats.moment(recoveredAt) })}
      </Detail>
    </Details>
  )
}

function Payload({ base64 }: { readonly base64: string }) {
  const { t, formats } = useLanguage()
  const { text, isText, size } = payloadOf(base64)
  return (
    <>
      <h3>
        {t('payload', { n: formats.count(size) })}
        {!isText && <span class="quiet"> {t('payloadBinary')}</span>}
      </h3>
      <pre class="payload" tabIndex={0} role="region" aria-label={t('payload', { n: size })}>
        {text}
      </pre>
    </>
  )
}
