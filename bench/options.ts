import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

export interface BenchOptions {
  readonly help: boolean
  /** Sections by name; null runs those of the default. */
  readonly only: readonly string[] | null
  /** Folder of the load generator's source and the peer's files. */
  readonly tools: string | null
  readonly besidePeer: boolean
  readonly runs: number
  /** Messages per second of the steady profile; null leaves the choice to the section. */
  readonly rate: number | null
  /** Rates that `sustained` tries, in rising order. */
  readonly rates: readonly number[]
  /** Length of one load of `sustained`. */
  readonly seconds: number
  /** Checkout that this one is compared with. */
  readonly against: string | null
  readonly pairs: number
  /** Rows that `queries` fills. */
  readonly rows: number
  /** Where the rows of `queries` stay filled. */
  readonly keep: string | null
  /** Mutated payloads of `fuzz`. */
  readonly fuzz: number
  /** Abuses of `abuse` by name; null runs all. */
  readonly abuses: readonly string[] | null
  /** Checkout whose platform is abused; this one without it. */
  readonly checkout: string | null
}

const DEFAULT_RATES = '25000,30000,35000,40000,45000,50000'

const OPTIONS = {
  help: { type: 'boolean', short: 'h', default: false },
  only: { type: 'string' },
  tools: { type: 'string' },
  without: { type: 'string', default: '' },
  runs: { type: 'string', default: '3' },
  rate: { type: 'string' },
  rates: { type: 'string', default: DEFAULT_RATES },
  seconds: { type: 'string', default: '35' },
  against: { type: 'string' },
  pairs: { type: 'string', default: '7' },
  rows: { type: 'string', default: '10000000' },
  keep: { type: 'string' },
  fuzz: { type: 'string', default: '1000000' },
  abuses: { type: 'string' },
  checkout: { type: 'string' },
} as const

export const OPTIONS_HELP = `options:
  --help               this text
  --only a,b           run these sections
  --tools <dir>        folder with mqload.c, built with gcc, and peers/
  --without peer       leave the peer pipeline out
  --runs 3             runs of each subject
  --rate 20000         messages per second of the steady profile; the comparison
                       takes the highest of some rates that both checkouts hold
  --rates ${DEFAULT_RATES}
                       rates that sustained tries
  --seconds 35         length of one load of sustained
  --against <dir>      compare this checkout with another, and run nothing else
                       unless --only names it
  --pairs 7            pairs of the comparison
  --rows 10000000      rows of queries
  --keep <dir>         where the rows of queries stay filled
  --fuzz 1000000       mutated payloads of fuzz
  --abuses a,b         run these of abuse
  --checkout <dir>     abuse the platform of another checkout
`

/** The options, or what is wrong with them as an error to show. */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({ args: [...args], options: OPTIONS })
  if (!['', 'peer'].includes(values.without)) {
    throw new RangeError(`--without: expected peer, got ${values.without}`)
  }
  return {
    help: values.help,
    only: values.only?.split(',') ?? null,
    tools: pathOrNull(values.tools),
    besidePeer: values.without !== 'peer',
    runs: count('runs', values.runs),
    rate: values.rate === undefined ? null : count('rate', values.rate),
    rates: values.rates.split(',').map((rate) => count('rates', rate)),
    seconds: count('seconds', values.seconds),
    against: pathOrNull(values.against),
    pairs: count('pairs', values.pairs),
    rows: count('rows', values.rows),
    keep: pathOrNull(values.keep),
    fuzz: count('fuzz', values.fuzz),
    abuses: values.abuses?.split(',') ?? null,
    checkout: pathOrNull(values.checkout),
  }
}

function pathOrNull(path: string | undefined): string | null {
  return path === undefined ? null : resolve(path)
}

function count(name: string, text: string): number {
  if (!/^[1-9]\d*$/.test(text)) {
    throw new RangeError(`--${name}: expected a whole number above 0, got ${text}`)
  }
  return Number(text)
}
