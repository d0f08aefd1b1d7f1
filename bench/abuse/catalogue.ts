import type { Abuse } from './abuse.ts'
import * as connections from './accounts/connections.ts'
import * as messages from './accounts/messages.ts'
import * as requests from './accounts/requests.ts'
import * as subscriptions from './accounts/subscriptions.ts'

/** In the order of docs/limits.md. */
export const ABUSES: readonly Abuse[] = [
  ...Object.values({ ...connections }),
  ...Object.values({ ...subscriptions }),
  ...Object.values({ ...messages }),
  ...Object.values({ ...requests }),
]
