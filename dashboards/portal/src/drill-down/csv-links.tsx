import { useEffect, useRef, useState } from 'preact/hooks'
import type { Parameters } from '../api/api-client.ts'
import { isoOf } from '../data/spans.ts'
import { usePortal } from '../data/use-portal.ts'
import type { WordName } from '../words/en.ts'
import { useLanguage } from '../words/use-language.ts'
import { csvFileName, fileTime, loadCsvFile } from './csv-file.ts'
import type { ReadingSpan } from './selection.ts'

interface CsvLinksProps {
  readonly path: string
  readonly kind: string
  readonly device: string | undefined
  readonly rat: string | undefined
  /** Computed at the click: a span that ends now moves with the clock. */
  readonly span: () => ReadingSpan
}

type Progress = 'idle' | 'loading' | 'failed' | 'too-long'

const STATE_WORDS: Readonly<Record<Exclude<Progress, 'idle'>, WordName>> = {
  loading: 'csvLoading',
  failed: 'csvFailed',
  'too-long': 'csvTooLong',
}

/** Saves every reading of the sheet's selection as a file. */
export function CsvLinks(props: CsvLinksProps) {
  const { t } = useLanguage()
  const { progress, save } = useSave(props)
  return (
    <p class="drill-csv">
      <button type="button" disabled={progress === 'loading'} onClick={() => void save({})}>
        {t('csv')}
      </button>
      <button
        type="button"
        disabled={progress === 'loading'}
        onClick={() => void save({ locale: 'da' })}
      >
        {t('csvDanish')}
      </button>
      <span role="status" class="quiet">
        {progress === 'idle' ? '' : t(STATE_WORDS[progress])}
      </span>
    </p>
  )
}

function useSave({ path, kind, device, rat, span }: CsvLinksProps) {
  const { client, clock } = usePortal()
  const [progress, setProgress] = useState<Progress>('idle')
  const closed = useRef(new AbortController())
  useEffect(() => () => closed.current.abort(), [])

  async function save(locale: Parameters): Promise<void> {
    setProgress('loading')
    const times = span()
    const { signal } = closed.current
    const parameters = { kind, device, rat, ...times, order: 'desc', ...locale }
    const outcome = await loadCsvFile(client, { path, parameters, signal })
    if (signal.aborted) return
    if (!outcome.ok) return setProgress('failed')
    if (outcome.value === null) return setProgress('too-long')
    const until = times.to ?? isoOf(clock.nowMs())
    const name = csvFileName([kind, device, rat, fileTime(times.from), fileTime(until)])
    saveAs(outcome.value, name)
    setProgress('idle')
  }
  return { progress, save }
}

function saveAs(file: Blob, name: string): void {
  const address = URL.createObjectURL(file)
  Object.assign(document.createElement('a'), { href: address, download: name }).click()
  // The download has its own hold on the file from the click on.
  setTimeout(() => URL.revokeObjectURL(address), 1000)
}
