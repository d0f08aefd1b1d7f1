import type { ConformanceFinding, TransportFacts } from '#lib/telemetry/conformance.ts'
import type { Evidence, Judgement } from '../judgement.ts'
import { shareText } from '../wording.ts'

type Found = Pick<ConformanceFinding, 'severity' | 'example' | 'advice'>
type Look = (transport: TransportFacts, evidence: Evidence) => Found | null

/** VDA 5050 itself asks for QoS 0 but on `connection`, which it wants retained. */
const isVda5050 = ({ facts }: Evidence) => facts.lastFormat === 'vda5050'

/**
 * Redeliveries above this share of the messages are more than a lost acknowledgement now and then.
 */
const OFTEN = 0.05

const RULES: Readonly<Record<string, Look>> = {
  qos0({ qos: [n], messages }, evidence) {
    if (n === 0) return null
    const severity = isVda5050(evidence) ? 'info' : 'warning'
    const advice =
      'publish with QoS 1: only then is a message acknowledged, when it is durable, and sent again ' +
      'when the connection broke'
    return { severity, example: `${shareText(n, messages)} messages with QoS 0`, advice }
  },
  qos2({ qos: [, , n], messages }) {
    if (n === 0) return null
    const advice =
      'QoS 1 is enough: repeated messages are recognised here, and it saves a round trip'
    return { severity: 'info', example: `${shareText(n, messages)} messages with QoS 2`, advice }
  },
  retained({ retained, messages, wills }, evidence) {
    const live = messages - wills
    if (retained === 0 || (isVda5050(evidence) && retained <= live / 2)) return null
    const advice =
      'publish readings without retain: retained ones never enter latency, and each subscriber ' +
      'gets the old one again'
    const example = `${shareText(retained, messages)} messages hold retained readings`
    return { severity: 'warning', example, advice }
  },
  redelivered({ redelivered, messages }) {
    if (redelivered <= OFTEN * messages) return null
    const advice =
      'wait longer for the acknowledgement before sending again, and look at the radio: the ' +
      'connection breaks often'
    const example = `${shareText(redelivered, messages)} messages sent again (DUP)`
    return { severity: 'warning', example, advice }
  },
  duplicate(_transport, { facts: { duplicate, read } }) {
    if (duplicate <= OFTEN * read) return null
    const advice = 'send each reading once; nothing is stored twice, but it costs airtime'
    const example = `${shareText(duplicate, read)} messages hold nothing new`
    return { severity: 'warning', example, advice }
  },
}

/** QoS, retain, redelivery and repetition: one row each. */
export const delivery: Judgement = {
  codes: Object.keys(RULES),
  judge(evidence) {
    const { transport } = evidence.facts
    if (!transport) return []
    return Object.entries(RULES).flatMap(([code, look]) => {
      const found = look(transport, evidence)
      return found ? [{ code, path: 'mqtt', ...found }] : []
    })
  },
}
