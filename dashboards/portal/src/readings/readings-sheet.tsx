import { useEffect, useMemo, useState } from 'preact/hooks'
import { useLanguage } from '../frame/language.ts'
import { hashOf } from '../frame/router.ts'
import type { Reading, Series } from '../data/answers.ts'
import { addressOf, type Parameters } from '../data/api-client.ts'
import { useAnswer, usePortal } from '../data/hooks.ts'
import { createPoll } from '../data/poll.ts'
import { isoOf, SPAN_MS, SPANS } from '../data/spans.ts'
import { Answered } from '../parts/answered.tsx'
import { Sheet } from '../parts/sheet.tsx'
import { useKinds } from '../data/use-kinds.ts'
import { ReadingTable } from './reading-table.tsx'

const LIMIT = 200
const EVERY_MS = 5000

interface SheetProps {
  readonly wanted: Readonly<Record<string, string>>
  readonly onClose: () => void
}

/** The raw readings behind a figure, newest first, and the same as CSV. */
export function ReadingsSheet({ wanted, onClose }: SheetProps) {
  const { t } = useLanguage()
  const { polls } = usePortal()
  const kinds = useKinds()
  const devices = useAnswer('/devices', polls.devices).value?.data
  const ofDevice = devices?.find(({ id }) => id === wanted['device'])?.kind
  const kind = wanted['kind'] ?? kinds?.find((name) => name === ofDevice) ?? kinds?.[0]
  return (
    <Sheet title={t('drillTitle')} onClose={onClose}>
      {kind === undefined ? (
        <p class="none">{t(kinds ? 'noData' : 'loading')}</p>
      ) : (
        <Readings wanted={wanted} kind={kind} />
      )}
    </Sheet>
  )
}

interface ReadingsProps {
  readonly wanted: Readonly<Record<string, string>>
  readonly kind: string
}

function Readings({ wanted, kind }: ReadingsProps) {
  const { t, named } = useLanguage()
  const { client, clock } = usePortal()
  const { device, rat } = wanted
  const span = useMemo(() => spanOf(wanted, clock.nowMs()), [JSON.stringify(wanted)])
  const question: Parameters = { kind, device, ...span }
  const poll = useMemo(
    () =>
      createPoll(() => {
        // A span that ends now goes on with the clock.
        const times = wanted['to'] ? span : spanOf(wanted, clock.nowMs())
        return client.get<Series<Reading>>('/readings', {
          kind,
          device,
          ...times,
          order: 'desc',
          limit: LIMIT,
        })
      }, EVERY_MS),
    [JSON.stringify(question)],
  )
  const answer = useAnswer('/readings', poll)
  const csv = addressOf('/readings', { ...question, as: 'csv', limit: 10_000 })
  return (
    <>
      <div class="drill-head">
        <KindChoice wanted={wanted} kind={kind} />
        <p class="drill-what">
          <b>{device?.replaceAll(',', ', ') ?? t('allDevices')}</b>
          <SpanText from={span.from} to={span.to} />
        </p>
        <p class="drill-csv">
          <a href={csv} download>
            {t('csv')}
          </a>
          <a href={`${csv}&locale=da`} download>
            {t('csvDanish')}
          </a>
        </p>
      </div>
      <Answered path="/readings" answer={answer}>
        {({ data, meta }) => {
          const rows = rat === undefined ? data : data.filter((row) => ratOf(row) === rat)
          const worth = t('drillWorth', { n: data.length })
          const filter =
            rat === undefined ? '' : `; ${t('filteredByRat', { rat: named('rat', rat) })}`
          return (
            <>
              <p class="worth">{worth + filter}</p>
              {rows.length === 0 ? (
                <p class="none">{t('drillEmpty')}</p>
              ) : (
                <ReadingTable rows={rows} units={meta.unit} />
              )}
            </>
          )
        }}
      </Answered>
    </>
  )
}

function ratOf({ radio }: Reading): string {
  const rat = radio?.['rat']
  return typeof rat === 'string' ? rat : 'none'
}

interface Times {
  readonly from: string
  readonly to?: string
}

function spanOf(wanted: Readonly<Record<string, string>>, nowMs: number): Times {
  const { from, to } = wanted
  if (from !== undefined) return to === undefined ? { from } : { from, to }
  const span = SPANS.find((name) => name === wanted['span']) ?? '1h'
  return { from: isoOf(nowMs - SPAN_MS[span]) }
}

function SpanText({ from, to }: { readonly from: string; readonly to: string | undefined }) {
  const { t, formats } = useLanguage()
  return (
    <span class="quiet">
      {' '}
      {t('from')} {formats.moment(from)} {to && `${t('to')} ${formats.moment(to)}`}
    </span>
  )
}

function KindChoice({ wanted, kind }: ReadingsProps) {
  const { t, named } = useLanguage()
  const kinds = new Set([...(useKinds() ?? []), kind])
  const [chosen, setChosen] = useState(kind)
  useEffect(() => setChosen(kind), [kind])
  return (
    <select
      aria-label={t('kind')}
      value={chosen}
      onChange={({ currentTarget: { value } }) => {
        location.hash = hashOf({ page: 'overview', parameters: { ...wanted, kind: value } })
      }}
    >
      {[...kinds].map((name) => (
        <option key={name} value={name}>
          {named('kind', name)}
        </option>
      ))}
    </select>
  )
}
