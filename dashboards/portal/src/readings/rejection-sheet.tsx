import { useMemo } from 'preact/hooks'
import { useLanguage } from '../frame/language.ts'
import type { List, Rejection } from '../data/answers.ts'
import { useAnswer, usePortal } from '../data/hooks.ts'
import { createPoll } from '../data/poll.ts'
import { isoOf } from '../data/spans.ts'
import { Answered } from '../parts/answered.tsx'
import { CheckLink } from '../parts/check-link.tsx'
import { DrillLink } from '../parts/drill-link.tsx'
import { Sheet } from '../parts/sheet.tsx'
import { payloadOf } from './payload.ts'

interface SheetProps {
  readonly wanted: Readonly<Record<string, string>>
  readonly onClose: () => void
}

const EVERY_MS = 30_000
const LIMIT = 1000

/** One rejected message: why, and its original bytes. */
export function RejectionSheet({ wanted, onClose }: SheetProps) {
  const { t } = useLanguage()
  const { client } = usePortal()
  const { id = '', from = '' } = wanted
  const poll = useMemo(
    () =>
      createPoll(() => {
        const atMs = Date.parse(from) || 0
        const to = isoOf(atMs + 1000)
        return client.get<List<Rejection>>('/rejections', { from: isoOf(atMs), to, limit: LIMIT })
      }, EVERY_MS),
    [from],
  )
  const answer = useAnswer('/rejections', poll)
  return (
    <Sheet title={t('drillRejection')} onClose={onClose}>
      <Answered path="/rejections" answer={answer}>
        {({ data }) => {
          const found = data.find((rejection) => rejection.id === id)
          return found ? <Details {...found} /> : <p class="none">{t('noData')}</p>
        }}
      </Answered>
    </Sheet>
  )
}

function Details(rejection: Rejection) {
  const { t, named, formats } = useLanguage()
  const { device, time, reason, path, expected, got, topic, format, item, recoveredAt } = rejection
  const { text, isText, size } = payloadOf(rejection.payloadBase64)
  return (
    <>
      <dl class="details">
        <dt>{t('reason')}</dt>
        <dd>
          <b class="warn">{named('reason', reason)}</b> <code>{reason}</code>
        </dd>
        <dt>{t('path')}</dt>
        <dd>
          <code>{path === '' ? t('wholeMessage') : path}</code>
          {item !== null && ` · ${t('item', { n: item })}`}
        </dd>
        <dt>{t('expected')}</dt>
        <dd>{expected}</dd>
        <dt>{t('got')}</dt>
        <dd>{got}</dd>
        <dt>{t('device')}</dt>
        <dd>
          <DrillLink to={{ show: 'readings', device, span: '1h' }} what={device}>
            {device}
          </DrillLink>{' '}
          <CheckLink device={device} />
        </dd>
        <dt>{t('received')}</dt>
        <dd>{formats.moment(time)}</dd>
        <dt>{t('topic')}</dt>
        <dd>
          <code>{topic}</code>
        </dd>
        <dt>{t('format')}</dt>
        <dd>
          {format} {recoveredAt && t('recovered', { time: formats.moment(recoveredAt) })}
        </dd>
      </dl>
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
