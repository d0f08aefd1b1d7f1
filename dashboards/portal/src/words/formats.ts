import { TIME_ZONE } from '../data/spans.ts'
import type { WordName } from './en.ts'

/** Shown where there is no value: never a zero. */
export const NO_VALUE = '–'

type Translate = (name: WordName, values?: Readonly<Record<string, string | number>>) => string
type Maybe = number | null | undefined

export interface Formats {
  /** About three significant digits, whole above 100. */
  readonly number: (value: Maybe) => string
  readonly count: (value: Maybe) => string
  /** For columns whose figures are compared: the same number of decimals in each. */
  readonly tenths: (value: Maybe) => string
  readonly percent: (share: Maybe) => string
  /** Milliseconds, or seconds from 10 s on, with unit. */
  readonly ms: (value: Maybe) => string
  /** The largest unit that gives a number of two digits. */
  readonly age: (ms: Maybe) => string
  readonly clock: (iso: string) => string
  readonly moment: (iso: string) => string
  /** With the year: a wrong clock may be years off. */
  readonly dated: (iso: string) => string
}

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

export function createFormats(locale: string, t: Translate): Formats {
  const withDecimals = [0, 1, 2, 3].map(
    (digits) =>
      new Intl.NumberFormat(locale, {
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
      }),
  )
  const time = {
    timeZone: TIME_ZONE,
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  } as const
  const clockFormat = new Intl.DateTimeFormat(locale, { ...time, hourCycle: 'h23' })
  const momentFormat = new Intl.DateTimeFormat(locale, {
    ...time,
    hourCycle: 'h23',
    day: '2-digit',
    month: '2-digit',
  })
  const datedFormat = new Intl.DateTimeFormat(locale, {
    ...time,
    hourCycle: 'h23',
    day: '2-digit',
    month: '2-digit',
    year: 'numeric',
  })

  const fixed = (value: number, digits: number) => withDecimals[digits]?.format(value) ?? NO_VALUE
  const orNone = (show: (value: number) => string) => (value: Maybe) =>
    value === null || value === undefined || !Number.isFinite(value) ? NO_VALUE : show(value)
  const number = (value: number) => fixed(value, digitsOf(Math.abs(value)))

  return {
    number: orNone(number),
    count: orNone((value) => fixed(value, 0)),
    tenths: orNone((value) => fixed(value, 1)),
    percent: orNone((share) => `${fixed(share * 100, percentDigits(share))} %`),
    ms: orNone((value) =>
      Math.abs(value) < 10 * SECOND ? `${number(value)} ms` : `${fixed(value / SECOND, 1)} s`,
    ),
    age: orNone((ms) => {
      if (ms < 2 * MINUTE) return t('seconds', { n: fixed(Math.round(ms / SECOND), 0) })
      if (ms < 2 * HOUR) return t('minutes', { n: fixed(Math.round(ms / MINUTE), 0) })
      if (ms < 2 * DAY) return t('hours', { n: fixed(Math.round(ms / HOUR), 0) })
      return t('days', { n: fixed(Math.round(ms / DAY), 0) })
    }),
    clock: (iso) => clockFormat.format(Date.parse(iso)),
    moment: (iso) => momentFormat.format(Date.parse(iso)),
    dated: (iso) => datedFormat.format(Date.parse(iso)),
  }
}

function digitsOf(size: number): number {
  if (size >= 100 || size === 0) return 0
  if (size >= 10) return 1
  return size >= 1 ? 2 : 3
}

/** 99.96 % must not show as 100 %, nor three in a million as 0 %. */
function percentDigits(share: number): number {
  if (share === 0 || share === 1) return 0
  return share > 0.99 || share < 0.01 ? 2 : 1
}
