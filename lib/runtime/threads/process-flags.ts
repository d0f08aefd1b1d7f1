/*
 * The one source of V8 flags, thread counts, heap sizes and priorities. package.json, the Dockerfile
 * and the documents hold copies, because they cannot import; a test compares them. The figures were
 * measured at 10 000 to 20 000 messages/s on two processors.
 */

/** Less heap in reserve, and no more helpers of V8 than processors left beside what comes in. */
export const NODE_FLAGS = ['--max-semi-space-size=8', '--v8-pool-size=2'] as const

/** glibc makes an arena per thread otherwise, and each keeps memory that was freed. */
export const PROCESS_ENV = { MALLOC_ARENA_MAX: '2' } as const

/**
 * Most of what a message leaves behind is garbage within a batch. By default V8 lets the heap of each
 * thread grow to several times what is alive. 100 took 60 MiB less at 14 000 messages/s for some 2 %
 * more CPU, 80 takes 10 MiB less than that.
 */
export const HEAP_GROWING_PERCENT = 80

/** DuckDB's queries, files and password hashing share it; each thread keeps memory of DuckDB. */
export const UV_THREADPOOL_SIZE = 8

/**
 * Linux only. Main thread and sync thread keep 0: a PUBACK waits for them. The garbage of the ingest
 * thread is collected by as many helpers as there are processors, 13 times a second at 20 000
 * messages/s: PUBACK p99 at 10 000/s is 16 ms with helpers at 10, 28 ms without. At 20 000/s beside 60
 * queries a second it is 29 ms with the pool at 10 too, 50 ms without.
 */
export const NICENESS = { ingestWorker: 5, v8Helpers: 10, libuvPool: 10 } as const

/**
 * Objects of a batch live as long as the batch: a larger young generation only makes the process
 * larger. The sync thread allocates next to nothing.
 */
export const YOUNG_GENERATION_MIB = { ingestWorker: 12, syncThread: 1 } as const
