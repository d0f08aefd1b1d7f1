/** Stages of the way of a message whose latency is measured (docs/domain.md 5.3). */
export const STAGES = ['age', 'uplink', 'rtt', 'durable', 'stored'] as const
export type Stage = (typeof STAGES)[number]
