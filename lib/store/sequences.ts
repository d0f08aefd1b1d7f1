import type { Sequence } from '#lib/kpi/network/loss.ts'
import type { MinuteKey } from './figure-keys.ts'

/** The sequence numbers of one device and channel, with gaps that know their minute. */
export type ChannelSequence = Sequence<MinuteKey>

type SavedGap = [from: number, to: number, minute: number, ...keys: (string | null)[]]

/** As text for the files of the figures; `parseSequence` reads it back. */
export function formatSequence({ first, last, gaps }: ChannelSequence): string {
  const saved = gaps.map(([from, to, { minute, keys }]): SavedGap => [from, to, minute, ...keys])
  return JSON.stringify([first, last, ...saved])
}

export function parseSequence(text: string): ChannelSequence {
  // Written by `formatSequence`.
  const [first, last, ...gaps] = JSON.parse(text) as [number, number, ...SavedGap[]]
  return {
    first,
    last,
    gaps: gaps.map(([from, to, minute, ...keys]) => [from, to, { minute, keys }]),
  }
}
