import { defineConfig } from 'vitest/config'
import { ProgressReporter } from './tests/support/progress-reporter.ts'

/** A project per folder: `npm run check` runs fast, `npm test` all but long, `npm run long` long. */
export default defineConfig({
  test: {
    maxWorkers: 2,
    reporters: [new ProgressReporter()],
    projects: [
      {
        extends: true,
        test: {
          name: 'fast',
          include: ['tests/*.test.ts', 'tests/{unit,property,cases}/**/*.test.ts'],
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'contract',
          include: ['tests/contract/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['tests/integration/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['tests/browser/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'system',
          include: ['tests/system/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'long',
          // scripts/long-tests.ts names the files of a part and sets its sizes.
          include: ['tests/{unit,property,integration,system}/**/*.test.ts'],
          testTimeout: 3_600_000,
          hookTimeout: 1_800_000,
        },
      },
    ],
  },
})
