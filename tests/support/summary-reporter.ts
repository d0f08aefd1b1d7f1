import type { Reporter, TestModule } from 'vitest/node'

/** Ends a run with `N passed, N failed, N skipped` alone on a line. */
export class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const count = { passed: 0, failed: errors.length, skipped: 0 }
    for (const module of modules) {
      let own = 0
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        own += 1
        if (state === 'passed') count.passed += 1
        else if (state === 'failed') count.failed += 1
        else count.skipped += 1
      }
      // A file that broke before its tests counts as one failure.
      if (own === 0 && module.state() === 'failed') count.failed += 1
    }
    const { passed, failed, skipped } = count
    process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`)
  }
}
