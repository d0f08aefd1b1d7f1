import type { IConnectPacket } from 'mqtt-packet'
import type { TestAccount, TestBroker } from '../broker-support.ts'
import { connectPacket } from '../raw-client.ts'
import { SessionExpectations, type Will } from './expectations.ts'
import type { ModelClient } from './model-client.ts'

/** What a client does with messages: acknowledges all, none, or QoS 2 without the last step. */
export type Acks = 'all' | 'none' | 'no_pubcomp'

export interface Slot {
  readonly name: string
  readonly tenant: string
  readonly account: TestAccount
  readonly clientId: string
  readonly topics: readonly string[]
  readonly filters: readonly string[]
  readonly session: SessionExpectations
  client: ModelClient | null
  acks: Acks
}

export interface Connect {
  readonly isClean: boolean
  readonly will: Will | null
}

const FOREIGN = 'uagv/v2/KIT/0001'

/** Two applications and a robot of one tenant, and an application of another with the same topics. */
export function slotsOf(test: TestBroker, own: string, other: string): readonly Slot[] {
  const robot = { kind: 'robot', format: 'vda5050', topics: [`${FOREIGN}/#`] } as const
  const device = test.device(`${own}.r1`, robot)
  test.device(`${other}.r1`, robot)
  return [
    slotOf('fleet', own, test.application(own), 'p'),
    slotOf('office', own, test.application(own), 'q'),
    { ...slotOf('robot', own, device, 'p'), topics: robotTopics(own), filters: robotFilters(own) },
    slotOf('stranger', other, test.application(other), 'p'),
  ]
}

function slotOf(name: string, tenant: string, account: TestAccount, clientId: string): Slot {
  const native = `padborg/v1/${tenant}`
  return {
    name,
    tenant,
    account,
    clientId,
    topics: [
      `${native}/r1/telemetry`,
      `${native}/r1/status`,
      `${FOREIGN}/order`,
      `${FOREIGN}/state`,
    ],
    filters: [
      `${native}/#`,
      `${native}/r1/telemetry`,
      `${native}/+/status`,
      `${FOREIGN}/#`,
      `${FOREIGN}/order`,
    ],
    session: new SessionExpectations(),
    client: null,
    acks: 'all',
  }
}

function robotTopics(tenant: string): readonly string[] {
  return [`padborg/v1/${tenant}/r1/telemetry`, `padborg/v1/${tenant}/r1/status`, `${FOREIGN}/state`]
}

function robotFilters(tenant: string): readonly string[] {
  return [`padborg/v1/${tenant}/r1/#`, `${FOREIGN}/+`, `${FOREIGN}/order`]
}

export function clientOf({ client, name }: Slot): ModelClient {
  if (!client) throw new Error(`${name} is not connected`)
  return client
}

export function connectOf({ account, clientId }: Slot, { isClean, will }: Connect): IConnectPacket {
  const { username, password } = account
  return connectPacket({
    username,
    password: Buffer.from(password),
    clientId,
    clean: isClean,
    ...(will ? { will: { ...will, payload: Buffer.from(will.payload) } } : {}),
  })
}
