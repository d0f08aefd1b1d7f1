import { matchesFilter } from '#lib/telemetry/topics.ts'

export type Qos = 0 | 1 | 2

export interface Will {
  readonly topic: string
  readonly payload: string
  readonly qos: Qos
  readonly retain: boolean
}

/** A message that a session must get, or may get where both are right (`isOptional`). */
export interface Due {
  readonly topic: string
  readonly payload: string
  readonly qos: Qos
  readonly isOptional: boolean
  /** It may have gone into a connection that broke, so that its first one here says DUP. */
  isRacing: boolean
  /** `released`: its PUBREC is sent ([MQTT-4.3.3-1]), so that only a PUBREL may follow. */
  state: 'unsent' | 'sent' | 'released'
  messageId: number
  /** The connection of the session on which it, or its PUBREL, came last. */
  connection: number
}

/** A retained message that a SUBSCRIBE brings. */
export interface RetainedDue {
  readonly topic: string
  readonly payload: string
  readonly qos: Qos
  /** One for each filter that matches, at most. */
  left: number
  isMissing: boolean
}

/** What a subscriber got, as far as the model looks at it. */
export interface Received {
  readonly topic: string
  readonly payload: string
  readonly qos: number
  readonly dup: boolean
  readonly retain: boolean
  readonly messageId: number
}

/** What MQTT 3.1.1 says of one client id: its session, and what it must be sent. */
export class SessionExpectations {
  filters = new Map<string, Qos>()
  due: Due[] = []
  retained: RetainedDue[] = []
  /** Message ids of its own QoS 2 messages that wait for PUBREL, with what was sent. */
  unreleased = new Map<number, { readonly topic: string; readonly payload: string }>()
  isConnected = false
  isClean = true
  will: Will | null = null
  connection = 0

  /** Whether CONNACK must say that there is a session ([MQTT-3.2.2-2]). */
  get isPresent(): boolean {
    return this.filters.size > 0 || this.unreleased.size > 0
  }

  connect(isClean: boolean, will: Will | null): void {
    this.isClean = isClean
    this.will = will
    this.isConnected = true
    this.connection += 1
  }

  /** The connection has ended; the will if it is due. */
  end(isGraceful: boolean): Will | null {
    const { will } = this
    this.isConnected = false
    this.will = null
    this.retained = []
    if (this.isClean) this.forget()
    return isGraceful ? null : will
  }

  subscribe(filter: string, qos: Qos): void {
    this.filters.set(filter, qos)
  }

  /** What waits goes with the last subscription: without one the broker keeps no session. */
  unsubscribe(filter: string): void {
    if (this.filters.delete(filter) && this.filters.size === 0) this.due = []
  }

  /** The highest QoS of the filters that match ([MQTT-3.3.5-1]); null: none does. */
  grantedFor(topic: string): Qos | null {
    const granted = [...this.filters]
      .filter(([filter]) => matchesFilter(filter, topic))
      .map(([, qos]) => qos)
    return granted.length === 0 ? null : lower(2, Math.max(...granted))
  }

  /** A message was published; `isRacing`: while the client may not have been there. */
  publish(topic: string, payload: string, qos: Qos, isRacing = false): void {
    const granted = this.grantedFor(topic)
    if (granted === null) return
    const sent = lower(qos, granted)
    if (!this.isConnected && !isRacing && sent === 0) return
    this.due.push({
      topic,
      payload,
      qos: sent,
      isOptional: isRacing && sent === 0,
      isRacing,
      state: 'unsent',
      messageId: 0,
      connection: 0,
    })
  }

  expectRetained(message: { topic: string; payload: string; qos: Qos }, filters: number): void {
    const granted = this.grantedFor(message.topic) ?? 0
    const qos = lower(message.qos, granted)
    this.retained.push({ ...message, qos, left: filters, isMissing: true })
  }

  /** Takes a PUBLISH of a connection; a sentence where MQTT does not allow it. */
  received(packet: Received, connection: number): string | null {
    if (packet.retain) return this.#receivedRetained(packet)
    const due = packet.dup ? this.#resent(packet) : this.#firstUnsent(packet)
    if (!due) return 'a message that is not due'
    if (packet.qos !== due.qos) return `QoS ${packet.qos} in place of ${due.qos}`
    due.messageId = packet.messageId
    due.state = 'sent'
    due.connection = connection
    if (due.qos === 0) this.#done(due)
    return null
  }

  /** The client has sent PUBACK. */
  acknowledged(messageId: number): void {
    const due = this.due.find((one) => one.state === 'sent' && one.messageId === messageId)
    if (due) this.#done(due)
  }

  /** The client has sent PUBREC. */
  taken(messageId: number): void {
    const due = this.due.find((one) => one.state === 'sent' && one.messageId === messageId)
    if (due) due.state = 'released'
  }

  /** Takes a PUBREL, and PUBCOMP is sent if `isCompleted`. False: nothing waits for it. */
  pubrel(messageId: number, isCompleted: boolean): boolean {
    const due = this.due.find((one) => one.state === 'released' && one.messageId === messageId)
    if (!due) return false
    due.connection = this.connection
    if (isCompleted) this.#done(due)
    return true
  }

  /** What has to come and has not: a message, or once more what an earlier connection left. */
  missing(): readonly (Due | RetainedDue)[] {
    if (!this.isConnected) return []
    const due = this.due.filter(
      ({ state, connection, isOptional }) =>
        (state === 'unsent' && !isOptional) ||
        (state !== 'unsent' && connection !== this.connection),
    )
    return [...due, ...this.retained.filter(({ isMissing }) => isMissing)]
  }

  /** What was optional and did not come does not come any more. */
  stepDone(): void {
    this.due = this.due.filter(({ isOptional, state }) => !isOptional || state !== 'unsent')
    this.retained = []
  }

  /** Nobody knows how far the connection got. */
  broke(): void {
    for (const due of this.due) due.isRacing = true
  }

  /** A clean session begins, or ends. */
  forget(): void {
    this.filters.clear()
    this.unreleased.clear()
    this.due = []
  }

  #done(due: Due): void {
    this.due.splice(this.due.indexOf(due), 1)
  }

  /** In order ([MQTT-4.6.0-5]): the first of a topic and QoS that has not come. */
  #firstUnsent({ topic, payload, qos }: Received): Due | undefined {
    const first = this.due.find(
      (one) => one.state === 'unsent' && one.topic === topic && one.qos === qos && !one.isOptional,
    )
    if (first?.payload === payload) return first
    return this.due.find(
      (one) => one.isOptional && one.topic === topic && one.payload === payload && one.qos === qos,
    )
  }

  /** [MQTT-4.4.0-1]: only on a new connection, with the first packet identifier. */
  #resent({ topic, payload, messageId }: Received): Due | undefined {
    const same = this.due.filter((one) => one.topic === topic && one.payload === payload)
    return (
      same.find(
        (one) =>
          one.state === 'sent' && one.connection !== this.connection && one.messageId === messageId,
      ) ?? same.find(({ state, isRacing }) => state === 'unsent' && isRacing)
    )
  }

  #receivedRetained({ topic, payload, qos }: Received): string | null {
    const due = this.retained.find(
      (one) => one.topic === topic && one.payload === payload && one.left > 0,
    )
    if (!due) return 'a retained message that is not due'
    if (qos !== due.qos) return `retained with QoS ${qos} in place of ${due.qos}`
    due.left -= 1
    due.isMissing = false
    return null
  }
}

function lower(a: number, b: number): Qos {
  const least = Math.min(a, b)
  return least === 0 ? 0 : least === 1 ? 1 : 2
}
