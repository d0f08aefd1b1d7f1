import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { connectAsync } from 'mqtt'
import { askOnTime } from './dashboards.ts'
import { cpuOfAll, createGenerator, digest, rssOfAll, type LoadResult } from './generator.ts'
import { ON_INFLUX, productOnInflux } from './influx-subject.ts'
import { isInstalled, machineFacts, median, rssMib } from './machine.ts'
import { questions } from './questions.ts'
import { hasPeerPackages, peerPipeline, plainAedes, product, type Subject } from './subjects.ts'

/*
 * Speed and memory, beside plain Aedes and the peer pipeline in the same run. Open loop: a stall is
 * charged to every message that was due.
 *   npm run bench -- --tools <dir> [--runs 3] [--rates 25000,30000,40000] [--seconds 35]
 *                    [--only steady,queryable,influx,sustained,idle,startup,overload,dashboards,
 *                            questions,formats,fuzz]   influx: the product on InfluxDB beside the
 *                    peer; formats and fuzz need no --tools
 *                    [--rows 10000000] [--keep <dir>]   rows of `questions`; where they stay filled
 *                    [--fuzz 1000000]   mutated payloads of `fuzz`
 */
const OF_FORMATS = ['formats', 'fuzz']
const WITH_LOAD = 'steady,queryable,influx,sustained,idle,startup,overload,dashboards,questions'
const EVERYTHING = [WITH_LOAD, ...OF_FORMATS].join(',')
const { values: options } = parseArgs({
  options: {
    tools: { type: 'string' },
    only: { type: 'string', default: EVERYTHING },
    runs: { type: 'string', default: '3' },
    rate: { type: 'string', default: '20000' },
    rates: { type: 'string', default: '25000,30000,35000,40000,45000,50000' },
    seconds: { type: 'string', default: '35' },
    without: { type: 'string', default: '' },
    rows: { type: 'string', default: '10000000' },
    fuzz: { type: 'string', default: '1000000' },
    keep: { type: 'string' },
  },
})

const tools = options.tools ? resolve(options.tools) : null
const dir = mkdtempSync(join(tmpdir(), 'padborg-bench-'))
const results: Record<string, unknown> = { machine: machineFacts() }
const wanted = new Set(options.only.split(','))
const without = new Set(options.without.split(','))
let runNumber = 0
const say = (text: string) => process.stderr.write(`${text}\n`)

const needsLoad = [...wanted].some((section) => !OF_FORMATS.includes(section))
const generator = createGenerator(join(dir, 'mqload'))
if (needsLoad && !generator.build(tools)) {
  say('The load generator is missing: give its folder with --tools <dir> (gcc builds it).')
  rmSync(dir, { recursive: true, force: true })
  process.exit(2)
}
const peers =
  ['influxd', 'mosquitto'].every(isInstalled) && hasPeerPackages() && !without.has('peer')
if (needsLoad && !peers)
  say('The peer pipeline is left out: it needs influxd, mosquitto and @influxdata/influxdb-client.')

try {
  if (wanted.has('steady') || wanted.has('queryable')) await steady()
  if (wanted.has('influx')) await onInflux()
  if (wanted.has('sustained')) await sustained()
  if (wanted.has('idle')) await idle()
  if (wanted.has('startup')) await startup()
  if (wanted.has('overload')) await overload()
  if (wanted.has('dashboards')) await dashboards()
  if (wanted.has('questions')) {
    results['questions'] = await questions({
      dir: options.keep ? resolve(options.keep) : join(dir, 'questions'),
      rows: Number(options.rows),
      besideInflux: isInstalled('influxd') && !without.has('peer'),
      say,
    })
  }
  if (wanted.has('formats')) results['formats'] = ofFormats(['--rounds', '15'], 'costs')
  if (wanted.has('fuzz')) {
    results['fuzz'] = ofFormats(['--rounds', '0', '--fuzz', options.fuzz], 'fuzz')
  }
} finally {
  rmSync(dir, { recursive: true, force: true })
}
process.stdout.write(`${JSON.stringify(results, null, 2)}\n`)

/** What `bench/formats.ts` finds, in a process of its own: nothing else has warmed or filled it. */
function ofFormats(args: readonly string[], part: string): unknown {
  const script = join(import.meta.dirname, 'formats.ts')
  const out = execFileSync(process.execPath, [script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const found: unknown = JSON.parse(out.toString())[part]
  say(JSON.stringify(found))
  return found
}

function freshDir(): string {
  runNumber += 1
  const path = join(dir, `run-${runNumber}`)
  mkdirSync(path)
  return path
}

/** CPU, PUBACK latency, memory and time to queryable at one rate. */
async function steady(): Promise<void> {
  const measured = { load: wanted.has('steady'), queryable: wanted.has('queryable') }
  results['steady'] = await besidePeer('product', () => product(freshDir()), measured)
}

/** The same with InfluxDB as the store: what it costs on both sides, in the same run. */
async function onInflux(): Promise<void> {
  if (!isInstalled('influxd')) {
    say('The product on InfluxDB is left out: it needs influxd.')
    return
  }
  const measured = { load: true, queryable: true }
  results['influx'] = await besidePeer(ON_INFLUX, () => productOnInflux(freshDir()), measured)
}

/** Peer and product interleaved. */
async function besidePeer(
  name: string,
  make: () => Promise<Subject>,
  measured: { readonly load: boolean; readonly queryable: boolean },
): Promise<Record<string, unknown>> {
  const rows: Record<string, unknown>[] = []
  const makers = [make]
  if (peers && tools) makers.push(() => peerPipeline(tools, freshDir()))
  for (let run = 0; run < Number(options.runs); run += 1) {
    for (const maker of makers) {
      const row = await measure(await maker(), measured)
      say(JSON.stringify(row))
      rows.push(row)
    }
  }
  return { ratePerS: Number(options.rate), rows, ratios: ratios(name, rows) }
}

async function measure(
  subject: Subject,
  measured: { readonly load: boolean; readonly queryable: boolean },
): Promise<Record<string, unknown>> {
  try {
    const begunS = cpuOfAll(subject)
    const load = measured.load ? generator.load(subject, Number(options.rate), 12) : null
    await pause(3000)
    const stored = load ? await subject.rows() : 0
    const missing = load ? load.sent - stored : 0
    const figures = load ? digest(subject, load) : {}
    const whole = load ? await wholeCost(subject, load, begunS) : {}
    const queryableMs = measured.queryable ? await queryable(subject) : null
    return { subject: subject.name, ...figures, missing, ...whole, queryableMs }
  } finally {
    await subject.stop()
  }
}

/**
 * What a message costs from its arrival until it can be queried. At the end of the load a subject may
 * still owe that work for what lags, and a figure of the load alone would not charge it.
 */
async function wholeCost(subject: Subject, load: LoadResult, begunS: number) {
  const since = performance.now()
  let stored = await subject.rows()
  let quiet = 0
  // What does not move any more will not come: it was acknowledged and lost.
  while (stored < load.sent && quiet < 5 && performance.now() - since < 60_000) {
    await pause(1000)
    const now = await subject.rows()
    quiet = now === stored ? quiet + 1 : 0
    stored = now
  }
  const usedS = cpuOfAll(subject) - begunS
  return {
    missingInTheEnd: load.sent - stored,
    cpuPerMillionStoredS: Number(((usedS / stored) * 1e6).toFixed(2)),
    rssInTheEndMib: rssOfAll(subject),
  }
}

function ratios(ours: string, rows: readonly Record<string, unknown>[]): Record<string, number> {
  const of = (name: string, key: string) =>
    median(rows.filter((row) => row['subject'] === name).map((row) => Number(row[key])))
  const found: Record<string, number> = {}
  const keys = ['cpuPerMillionS', 'cpuPerMillionStoredS', 'p50Ms', 'p99Ms']
  for (const key of [...keys, 'rssMib', 'rssInTheEndMib', 'queryableMs']) {
    found[key] = Number((of(ours, key) / of('peer', key)).toFixed(3))
  }
  return found
}

/** Median time from publish to visible, under half the load. */
async function queryable(subject: Subject): Promise<number | null> {
  const { probe } = subject
  if (!probe) return null
  const { url, topic, username, password } = probe
  const account = username === undefined ? {} : { username, password: password ?? '' }
  const client = await connectAsync(url, { clientId: 'probe', ...account })
  const background = generator.loadInBackground(subject, {
    rate: Number(options.rate) / 2,
    seconds: 15,
  })
  await pause(2500)
  const times: number[] = []
  for (let n = 0; n < 30; n += 1) {
    const seq = 1_900_000_000 + runNumber * 1000 + n
    const begun = performance.now()
    client.publish(topic, probe.payload(seq), { qos: 1 })
    while (!(await probe.isThere(seq)) && performance.now() - begun < 20_000) await pause(10)
    times.push(performance.now() - begun)
    await pause(100)
  }
  await background
  await client.endAsync()
  return Math.round(median(times))
}

/** The highest rate held for the whole time with every row queryable within 3 s after the end. */
async function sustained(): Promise<void> {
  const seconds = Number(options.seconds)
  const best: Record<string, number> = {}
  const rows: Record<string, unknown>[] = []
  const makers: [string, () => Promise<Subject>][] = [['product', () => product(freshDir())]]
  if (peers && tools) makers.push(['peer', () => peerPipeline(tools, freshDir())])
  for (const [name, make] of makers) {
    for (const rate of options.rates.split(',').map(Number)) {
      const subject = await make()
      const before = await subject.rows()
      const load = generator.load(subject, rate, seconds)
      const since = performance.now()
      let stored = 0
      do {
        stored = (await subject.rows()) - before
        if (stored < load.sent) await pause(200)
      } while (stored < load.sent && performance.now() - since < 3000)
      const settleS = Number(((performance.now() - since) / 1000).toFixed(2))
      const ok =
        stored >= load.sent * 0.998 && load.ack_ms.p99 < 1000 && load.backlog <= rate * 0.05
      const row = { subject: name, rate, ok, stored, settleS, ...digest(subject, load) }
      say(JSON.stringify(row))
      rows.push(row)
      await subject.stop()
      if (!ok) break
      best[name] = rate
    }
  }
  results['sustained'] = {
    best,
    ratio: (best['product'] ?? 0) / (best['peer'] ?? Number.NaN),
    rows,
  }
}

/** Memory and CPU of 10 000 idle connections. */
async function idle(): Promise<void> {
  const rows: unknown[] = []
  for (const make of [() => product(freshDir()), () => plainAedes(tools ?? '', freshDir())]) {
    const subject = await make()
    const pids = Object.entries(subject.pids).flatMap(([name, pid]) => ['--pid', `${name}=${pid}`])
    // One account may hold many connections; client ids differ.
    const account = subject.probe
      ? ['--user', subject.probe.username ?? '', '--pass', subject.probe.password ?? '']
      : []
    const port = subject.load.slice(0, 2)
    const none = ['--clients', '0', '--duration', '0']
    const args = [...port, ...account, ...none, '--idle', '10000', '--hold', '10']
    const out = generator.run([...args, '--src-spread', '4', ...pids])
    const row = { subject: subject.name, ...JSON.parse(out) }
    say(JSON.stringify(row))
    rows.push(row)
    await subject.stop()
  }
  results['idle'] = rows
}

/** Spawn to ready line of an empty platform. */
async function startup(): Promise<void> {
  const { startPlatform } = await import('../tests/support/platform.ts')
  const times: number[] = []
  for (let run = 0; run < 5; run += 1) {
    const begun = performance.now()
    const platform = await startPlatform({ dataDir: freshDir() })
    times.push(Math.round(performance.now() - begun))
    await platform.stop()
  }
  results['startup'] = {
    readyMs: { min: Math.min(...times), median: median(times), max: Math.max(...times) },
  }
}

/** PUBACK latency at the steady rate without and with 60 dashboard questions a second. */
async function dashboards(): Promise<void> {
  const rows: Record<string, unknown>[] = []
  for (let run = 0; run < Number(options.runs); run += 1) {
    for (const perS of [0, 60]) {
      const subject = await product(freshDir())
      // A minute of rows to ask about.
      await generator.loadInBackground(subject, { rate: Number(options.rate), seconds: 20 })
      const load = generator.loadAside(subject, Number(options.rate), 20)
      const asked = perS > 0 ? await askOnTime(subject.http ?? 0, { perS, seconds: 18 }) : null
      const row = { questionsPerS: perS, ...digest(subject, await load), asked }
      say(JSON.stringify(row))
      rows.push(row)
      await subject.stop()
    }
  }
  results['dashboards'] = { ratePerS: Number(options.rate), rows }
}

/** Twice the steady rate for 30 s, QoS 0 and QoS 1, with a subscriber to everything. */
async function overload(): Promise<void> {
  const rows: unknown[] = []
  for (const qos of ['1', '0']) {
    const subject = await product(freshDir())
    const pid = subject.pids['product'] ?? 0
    const load = generator.load(subject, 80_000, 30, ['--qos', qos])
    const atEnd = rssMib(pid)
    await pause(5000)
    const after = generator.load(subject, 5000, 5)
    rows.push({
      qos,
      sent: load.sent,
      acked: load.acked,
      rssMib: atEnd,
      p99AfterMs: after.ack_ms.p99,
    })
    say(JSON.stringify(rows.at(-1)))
    await subject.stop()
  }
  results['overload'] = rows
  writeFileSync(join(tmpdir(), 'padborg-bench-last.json'), JSON.stringify(results))
}
