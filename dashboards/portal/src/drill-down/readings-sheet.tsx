import { useMemo } from 'preact/hooks'
import type { Reading, Series } from '../api/rows.ts'
import { createPoll } from '../data/poll.ts'
import { useKinds } from '../data/use-kinds.ts'
import { usePortal } from '../data/use-portal.ts'
import { useQuery } from '../data/use-query.ts'
import { QueryResult } from '../parts/query-result.tsx'
import { Sheet } from '../parts/sheet.tsx'
import { useLanguage } from '../words/use-language.ts'
import { CsvLinks } from './csv-links.tsx'
import { KindChoice } from './kind-choice.tsx'
import { ReadingTable } from './reading-table.tsx'
import './readings-sheet.css'
import { spanOf, type ReadingSpan, type SheetParameters } from './selection.ts'

const LIMIT = 200
const EVERY_MS = 5000

interface SheetProps {
  readonly parameters: SheetParameters
  readonly onClose: () => void
}

/** The raw readings behind a figure, newest first, and the same as CSV. */
export function ReadingsSheet({ parameters, onClose }: SheetProps) {
  const { t } = useLanguage()
  const { polls } = usePortal()
  const kinds = useKinds()
  const devices = useQuery(polls.devices).value?.data
  const kindOfDevice = devices?.find(({ id }) => id === parameters['device'])?.kind
  const kind = parameters['kind'] ?? kinds?.find((name) => name === kindOfDevice) ?? kinds?.[0]
  return (
    <Sheet title={t('drillTitle')} onClose={onClose}>
      {kind === undefined ? (
        <p class="none">{t(kinds ? 'noData' : 'loading')}</p>
      ) : (
        <Readings parameters={parameters} kind={kind} />
      )}
    </Sheet>
  )
}

interface ReadingsProps {
  readonly parameters: SheetParameters
  readonly kind: string
}

function Readings({ parameters, kind }: ReadingsProps) {
  const { client, clock } = usePortal()
  const { device, rat } = parameters
  const key = JSON.stringify({ ...parameters, kind })
  const span = useMemo(() => spanOf(parameters, clock.nowMs()), [key])
  // A span that ends now moves with the clock.
  const spanNow = () => (parameters['to'] ? span : spanOf(parameters, clock.nowMs()))
  const poll = useMemo(() => {
    const path = '/readings'
    const load = () => {
      const query = { kind, device, rat, ...spanNow(), order: 'desc', limit: LIMIT }
      return client.get<Series<Reading>>(path, query)
    }
    return createPoll({ path, everyMs: EVERY_MS, load })
  }, [key])
  const query = useQuery(poll)
  return (
    <>
      <div class="drill-head">
        <KindChoice parameters={parameters} kind={kind} />
        <Selection device={device} span={span} />
        <CsvLinks key={key} path={poll.path} {...{ kind, device, rat }} span={spanNow} />
      </div>
      <QueryResult query={query}>
        {(result) => <ReadingResult result={result} rat={rat} />}
      </QueryResult>
    </>
  )
}

interface SelectionProps {
  readonly device: string | undefined
  readonly span: ReadingSpan
}

function Selection({ device, span: { from, to } }: SelectionProps) {
  const { t, formats } = useLanguage()
  return (
    <p class="drill-what">
      <b>{device?.replaceAll(',', ', ') ?? t('allDevices')}</b>
      <span class="quiet">
        {' '}
        {t('from')} {formats.moment(from)} {to && `${t('to')} ${formats.moment(to)}`}
      </span>
    </p>
  )
}

interface ReadingResultProps {
  readonly result: Series<Reading>
  /** Only readings over this radio technology. */
  readonly rat: string | undefined
}

function ReadingResult({ result: { data, meta }, rat }: ReadingResultProps) {
  const { t, named } = useLanguage()
  const filter = rat === undefined ? '' : `; ${t('filteredByRat', { rat: named('rat', rat) })}`
  return (
    <>
      <p class="worth">{t('drillWorth', { n: data.length }) + filter}</p>
      {data.length === 0 ? (
        <p class="none">{t('drillEmpty')}</p>
      ) : (
        <ReadingTable rows={data} units={meta.unit} />
      )}
    </>
  )
}
