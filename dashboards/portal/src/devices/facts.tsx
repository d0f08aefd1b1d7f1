import type { Conformance } from '../api/rows.ts'
import { Detail, Details } from '../parts/details.tsx'
import { useLanguage } from '../words/use-language.ts'

interface FactsProps {
  readonly facts: Conformance['facts']
}

/** What the platform knows of the device, without a judgement. */
export function Facts({ facts }: FactsProps) {
  const { t, named, formats } = useLanguage()
  const { kind, registeredFormat, lastFormat, lastTopic, firstReceivedAt, lastReceivedAt } = facts
  const { count } = formats
  const moment = (time: string | null) => (time === null ? t('factNone') : formats.moment(time))
  const sum = {
    read: count(facts.read),
    stored: count(facts.stored),
    rejected: count(facts.rejected),
    duplicate: count(facts.duplicate),
  }
  return (
    <Details>
      <Detail name="kind" title={t('kind')}>
        {named('kind', kind)}
      </Detail>
      <Detail name="format" title={t('factFormat')}>
        {registeredFormat} · {lastFormat ?? t('factNone')}
      </Detail>
      <Detail name="topic" title={t('topic')}>
        {lastTopic === null ? t('factNone') : <code>{lastTopic}</code>}
      </Detail>
      <Detail name="messages" title={t('factMessages')}>
        {t('factMessagesSum', sum)}
      </Detail>
      <Detail name="heard" title={t('factHeard')}>
        {moment(firstReceivedAt)} – {moment(lastReceivedAt)}
      </Detail>
      <Measured facts={facts} />
      <Transport facts={facts} />
    </Details>
  )
}

function Measured({ facts: { clock, sequence, rate } }: FactsProps) {
  const { t, formats } = useLanguage()
  const { number, count } = formats
  return (
    <>
      <Detail name="clock" title={t('factClock')}>
        {clock
          ? t('factClockText', {
              offset: number(clock.offsetMs),
              bound: number(clock.boundMs),
              class: clock.syncClass,
            })
          : t('factNone')}
      </Detail>
      <Detail name="sequence" title={t('factSequence')}>
        {sequence
          ? t('factSequenceText', {
              received: count(sequence.received),
              lost: count(sequence.lost),
              restarts: count(sequence.restarts),
              reordered: count(sequence.reordered),
            })
          : t('factNone')}
      </Detail>
      <Detail name="rate" title={t('factRate')}>
        {rate
          ? t('factRateText', {
              rate: number(rate.messagesPerS),
              n: count(rate.messages),
              age: formats.age(rate.spanS * 1000),
            })
          : t('factNone')}
      </Detail>
    </>
  )
}

function Transport({ facts: { transport, flags } }: FactsProps) {
  const { t, formats } = useLanguage()
  const { count } = formats
  const flagged = Object.entries(flags).map(([name, n]) => `${name} ${count(n)}`)
  return (
    <>
      <Detail name="size" title={t('factSize')}>
        {transport
          ? t('factSizeText', {
              mean: count(transport.meanBytes),
              max: count(transport.maxBytes),
            })
          : t('factNone')}
      </Detail>
      <Detail name="mqtt" title={t('factUse')}>
        {transport
          ? t('factUseText', {
              qos: transport.qos.map(count).join(' / '),
              retained: count(transport.retained),
              redelivered: count(transport.redelivered),
              wills: count(transport.wills),
            })
          : t('factNone')}
      </Detail>
      <Detail name="flags" title={t('factFlags')}>
        {flagged.length === 0 ? count(0) : flagged.join(', ')}
      </Detail>
    </>
  )
}
