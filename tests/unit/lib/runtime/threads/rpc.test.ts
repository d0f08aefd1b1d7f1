import { MessageChannel } from 'node:worker_threads'
import { describe, expect, it, onTestFinished } from 'vitest'
import { PlatformError } from '#lib/runtime/errors.ts'
import { createCaller, serveCalls, type Handlers } from '#lib/runtime/threads/rpc.ts'

function connect(handlers: Handlers) {
  const { port1, port2 } = new MessageChannel()
  onTestFinished(() => port1.close())
  serveCalls(port2, handlers)
  return { caller: createCaller(port1), port1, port2 }
}

describe('calls across threads', () => {
  it('send the argument and return the result to the right call', async () => {
    const gates = new Map<number, () => void>()
    const { caller } = connect({
      double: (n: number) => n * 2,
      later: (n: number) =>
        new Promise((resolve) => gates.set(n, () => resolve({ n, big: 2n ** 70n }))),
      nothing: () => undefined,
      release: (n: number) => gates.get(n)?.(),
    })
    const [one, two] = [caller.call('later', 1), caller.call('later', 2)]
    expect(await caller.call('double', 21)).toBe(42)
    await caller.call('release', 2)
    await caller.call('release', 1)
    expect(await one).toEqual({ n: 1, big: 2n ** 70n })
    expect(await two).toEqual({ n: 2, big: 2n ** 70n })
    expect(await caller.call('nothing', null)).toBeUndefined()
  })

  it('return long lists of rows unchanged, also of rows of several kinds and of other values', async () => {
    const position = { lat: 54.8253, lon: 9.3577 }
    const rows = Array.from({ length: 200 }, (_, n) => ({
      device: `bench.truck-${n}`,
      seq: n % 7 === 0 ? null : n,
      timeNs: 2n ** 60n + BigInt(n),
      flags: n % 2 === 0 ? [] : ['late'],
      fields: n % 3 === 0 ? { ...position, ignition: true } : position,
      radio: n % 5 === 0 ? null : { rat: 'NR', rsrpDbm: -90.5 },
      ...(n % 4 === 0 ? { gateway: 'bench.gw' } : {}),
    }))
    const lists = {
      rows,
      none: Array.from({ length: 200 }, () => null),
      mixed: [...rows, new Uint8Array([1, 2])],
      numbers: Array.from({ length: 200 }, (_, n) => n),
      unlike: Array.from({ length: 200 }, (_, n) => ({ [`field${n}`]: n, same: undefined })),
      dates: Array.from({ length: 200 }, (_, n) => ({ at: new Date(n), map: new Map([[n, n]]) })),
    }
    const { caller } = connect({ list: (name: keyof typeof lists) => lists[name] })
    for (const [name, list] of Object.entries(lists)) {
      expect(await caller.call('list', name), name).toStrictEqual(list)
    }
  })

  it('return such lists within an object unchanged, beside its other values', async () => {
    const rows = Array.from({ length: 100 }, (_, n) => ({ timeNs: BigInt(n), group: { town: n } }))
    const answers = {
      series: { rows, next: null, findings: [{ code: 'reset' }], coverage: 0.5 },
      several: { rows, others: rows.map(({ group }) => group), numbers: rows.map((_, n) => n) },
      odd: JSON.parse(`{"__proto__": ${JSON.stringify(rows.map((_, n) => ({ n })))}, "a": 1}`),
    }
    const { caller } = connect({ answer: (name: keyof typeof answers) => answers[name] })
    for (const [name, answer] of Object.entries(answers)) {
      expect(await caller.call('answer', name), name).toStrictEqual(answer)
    }
  })

  it('return errors with code, text and path', async () => {
    const { caller } = connect({
      coded: () => {
        throw new PlatformError('QUERY_BUSY', 'too many queries', { path: 'kind' })
      },
      plain: () => Promise.reject(new TypeError('a bug')),
      odd: () => Promise.reject('just text'),
    })
    const coded = await caller.call('coded', null).catch((error: unknown) => error)
    expect(coded).toBeInstanceOf(PlatformError)
    expect(coded).toMatchObject({ code: 'QUERY_BUSY', message: 'too many queries', path: 'kind' })
    const plain = await caller.call('plain', null).catch((error: unknown) => error)
    expect(plain).not.toBeInstanceOf(PlatformError)
    expect(plain).toMatchObject({ message: 'a bug' })
    await expect(caller.call('odd', null)).rejects.toThrow('just text')
  })

  it('fail for a name without a handler, also for names of prototypes', async () => {
    const { caller } = connect({})
    for (const name of ['missing', 'constructor', 'toString', '__proto__']) {
      await expect(caller.call(name, {})).rejects.toThrow(`no handler is named ${name}`)
    }
  })

  it('fail, without leaving a caller waiting, when argument or result cannot be sent', async () => {
    const { caller } = connect({ method: () => ({ method() {} }), double: (n: number) => n * 2 })
    await expect(caller.call('double', () => {})).rejects.toThrow(/could not be cloned/)
    await expect(caller.call('method', null)).rejects.toThrow(/could not be cloned/)
    expect(await caller.call('double', 2)).toBe(4)
  })

  it('can be cancelled while they run and before they begin', async () => {
    const { caller } = connect({
      wait: (_: null, signal: AbortSignal) =>
        new Promise((_resolve, reject) => {
          const stop = () => reject(new PlatformError('QUERY_TIMEOUT', 'cancelled'))
          if (signal.aborted) stop()
          else signal.addEventListener('abort', stop)
        }),
      ping: () => 'pong',
    })
    const [one, other] = [new AbortController(), new AbortController()]
    const cancelled = caller.call('wait', null, one.signal)
    const running = caller.call('wait', null, other.signal).catch(() => 'ended')
    expect(await caller.call('ping', null)).toBe('pong')
    one.abort()
    await expect(cancelled).rejects.toMatchObject({ code: 'QUERY_TIMEOUT' })
    expect(await Promise.race([running, caller.call('ping', null)])).toBe('pong')
    other.abort()
    expect(await running).toBe('ended')
    await expect(caller.call('wait', null, AbortSignal.abort())).rejects.toMatchObject({
      code: 'QUERY_TIMEOUT',
    })
    // A signal that comes after the answer disturbs nobody.
    const late = new AbortController()
    expect(await caller.call('ping', null, late.signal)).toBe('pong')
    late.abort()
    expect(await caller.call('ping', null)).toBe('pong')
  })

  it('that wait at close fail with CLOSED, as do later ones; a late reply is ignored', async () => {
    const { caller } = connect({ never: () => new Promise(() => {}), ping: () => 'pong' })
    const waiting = caller.call('never', null)
    const soon = caller.call('ping', null)
    caller.close()
    await expect(waiting).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(soon).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(caller.call('ping', null)).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('share their channel with other messages', async () => {
    const { caller, port1, port2 } = connect({ ping: () => 'pong' })
    for (const other of [null, 7, 'text', [], { rpc: 'other' }, { rpc: 'answer', id: 99 }]) {
      port1.postMessage(other)
      port2.postMessage(other)
    }
    expect(await caller.call('ping', null)).toBe('pong')
  })
})
