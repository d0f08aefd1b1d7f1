/** Companies and offices of the testbed; all invented. */
export const TENANTS = [
  { id: 'marskfragt', name: 'Marskfragt (fictional haulier)' },
  { id: 'hedetrans', name: 'Hedetrans (fictional haulier)' },
  { id: 'koelexpres', name: 'Kølexpres Syd (fictional refrigerated haulier)' },
  { id: 'hallebot', name: 'Hallebot (fictional robot operator)' },
  { id: 'netlab', name: 'Netlab (fictional test team)' },
  { id: 'varme', name: 'Energy secretariat' },
] as const

export type TenantId = (typeof TENANTS)[number]['id']
