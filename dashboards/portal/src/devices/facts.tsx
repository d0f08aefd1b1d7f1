import type { ComponentChildren } from 'preact'
import { useLanguage } from '../frame/language.ts'
import type { ConformanceFacts } from '../data/answers.ts'

interface FactsProps {
  readonly facts: ConformanceFacts
}

/** What is known of the device, right or wrong. */
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
    <dl class="details">
      <Fact name="kind" title={t('kind')}>
        {named('kind', kind)}
      </Fact>
      <Fact name="format" title={t('factFormat')}>
        {registeredFormat} · {lastFormat ?? t('factNone')}
      </Fact>
      <Fact name="topic" title={t('topic')}>
        {lastTopic === null ? t('factNone') : <code>{lastTopic}</code>}
      </Fact>
      <Fact name="messages" title={t('factMessages')}>
        {t('factMessagesSum', sum)}
      </Fact>
      <Fact name="heard" title={t('factHeard')}>
        {moment(firstReceivedAt)} – {moment(lastReceivedAt)}
      </Fact>
      <Measured facts={facts} />
      <Use facts={facts} />
    </dl>
  )
}

interface FactProps {
  readonly name: string
  readonly title: string
  readonly children: ComponentChildren
}

function Fact({ name, title, children }: FactProps) {
  return (
    <>
      <dt>{title}</dt>
      <dd data-fact={name}>{children}</dd>
    </>
  )
}

function Measured({ facts: { clock, sequence, rate } }: FactsProps) {
  const { t, formats } = useLanguage()
  const { number, count } = formats
  return (
    <>
      <Fact name="clock" title={t('factClock')}>
        {clock
          ? t('factClockText', {
              offset: number(clock.offsetMs),
              bound: number(clock.boundMs),
              class: clock.syncClass,
            })
          : t('factNone')}
      </Fact>
      <Fact name="sequence" title={t('factSequence')}>
        {sequence
          ? t('factSequenceText', {
              received: count(sequence.received),
              lost: count(sequence.lost),
              restarts: count(sequence.restarts),
              reordered: count(sequence.reordered),
            })
          : t('factNone')}
      </Fact>
      <Fact name="rate" title={t('factRate')}>
        {rate
          ? t('factRateText', {
              rate: number(rate.messagesPerS),
              n: count(rate.messages),
              age: formats.age(rate.spanS * 1000),
            })
          : t('factNone')}
      </Fact>
    </>
  )
}

function Use({ facts: { transport, flags } }: FactsProps) {
  const { t, formats } = useLanguage()
  const { count } = formats
  const flagged = Object.entries(flags).map(([name, n]) => `${name} ${count(n)}`)
  return (
    <>
      <Fact name="size" title={t('factSize')}>
        {transport
          ? t('factSizeText', {
              mean: count(transport.meanBytes),
              max: count(transport.maxBytes),
            })
          : t('factNone')}
      </Fact>
      <Fact name="mqtt" title={t('factUse')}>
        {transport
          ? t('factUseText', {
              qos: transport.qos.map(count).join(' / '),
              retained: count(transport.retained),
              redelivered: count(transport.redelivered),
              wills: count(transport.wills),
            })
          : t('factNone')}
      </Fact>
      <Fact name="flags" title={t('factFlags')}>
        {flagged.length === 0 ? count(0) : flagged.join(', ')}
      </Fact>
    </>
  )
}
