import {
  DefaultReporter,
  type SerializedError,
  type TestModule,
  type TestRunEndReason,
} from 'vitest/node'

/**
 * One line per finished file, with its seconds and counts; then the failures as vitest prints them,
 * and `N passed, N failed, N skipped` alone on the last line.
 */
export class ProgressReporter extends DefaultReporter {
  private finished = 0
  private files = 0

  override onTestRunStart(files: Parameters<DefaultReporter['onTestRunStart']>[0]): void {
    this.files = files.length
    super.onTestRunStart(files)
  }

  protected override printTestModule(module: TestModule): void {
    this.finished += 1
    const place = `${String(this.finished).padStart(4)}/${this.files}`
    const seconds = (module.diagnostic().duration / 1000).toFixed(1).padStart(6)
    const counts = sentenceOf(countsOf([module]))
    this.log(`${place} ${seconds} s  ${module.project.name}  ${module.relativeModuleId}  ${counts}`)
  }

  override onTestRunEnd(
    modules: readonly TestModule[],
    errors: readonly SerializedError[],
    reason: TestRunEndReason,
  ): void {
    super.onTestRunEnd(modules, errors, reason)
    const counts = countsOf(modules)
    this.log(sentenceOf({ ...counts, failed: counts.failed + errors.length }))
  }
}

interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

function countsOf(modules: readonly TestModule[]): Counts {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for (const module of modules) {
    const tests = [...module.children.allTests()]
    for (const test of tests) {
      const { state } = test.result()
      counts[state === 'pending' ? 'skipped' : state] += 1
    }
    // A file that breaks before its tests, or after them, counts as one failure.
    const isCounted = tests.some((test) => test.result().state === 'failed')
    if (module.state() === 'failed' && !isCounted) counts.failed += 1
  }
  return counts
}

function sentenceOf({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}
