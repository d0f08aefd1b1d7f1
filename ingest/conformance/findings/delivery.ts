import type { ConformanceFinding, TransportFacts } from '#lib/telemetry/conformance.ts'
import type { Evidence, FindingRule } from '../finding.ts'
import { shareText } from '../text.ts'

type FindingText = Pick<ConformanceFinding, 'severity' | 'example' | 'advice'>
type Rule = (transport: TransportFacts, evidence: Evidence) => FindingText | null

/** VDA 5050 requires QoS 0 except on `connection`, which it requires to be retained. */
const isVda5050 = ({ facts }: Evidence) => facts.lastFormat === 'vda5050'

/** A lost acknowledgement now and then is normal; this share of the messages is not. */
const MAX_SHARE = 0.05

const RULES: Readonly<Record<string, Rule>> = {
  qos0({ qos: [n], messages }, evidence) {
    if (n === 0) return null
    const severity = isVda5050(evidence) ? 'info' : 'warning'
    const advice =
      'publish with QoS 1: a message is then acknowledged once it is durable, and sent again after ' +
      'the connection broke'
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
      'publish readings without retain: retained readings are left out of latency, and each new ' +
      'subscriber gets the old one again'
    const example = `${shareText(retained, messages)} messages hold retained readings`
    return { severity: 'warning', example, advice }
  },
  redelivered({ redelivered, messages }) {
    if (redelivered <= MAX_SHARE * messages) return null
    const advice =
      'wait longer for the acknowledgement before sending again, and look at the radio: the ' +
      'connection breaks often'
    const example = `${shareText(redelivered, messages)} messages sent again (DUP)`
    return { severity: 'warning', example, advice }
  },
  duplicate(_transport, { facts: { duplicate, read } }) {
    if (duplicate <= MAX_SHARE * read) return null
    const advice = 'send each reading once; nothing is stored twice, but it costs airtime'
    const example = `${shareText(duplicate, read)} messages hold nothing new`
    return { severity: 'warning', example, advice }
  },
}

/** QoS, retain, redelivery and repetition: one row each. */
export const delivery: FindingRule = {
  codes: Object.keys(RULES),
  find(evidence) {
    const { transport } = evidence.facts
    if (!transport) return []
    return Object.entries(RULES).flatMap(([code, rule]) => {
      const found = rule(transport, evidence)
      return found ? [{ code, path: 'mqtt', ...found }] : []
    })
  },
}
