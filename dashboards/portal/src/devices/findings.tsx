import type { Conformance } from '../api/rows.ts'
import '../parts/findings.css'
import { useLanguage } from '../words/use-language.ts'
import './findings.css'

type Finding = Conformance['findings'][number]

const SEVERITIES = ['error', 'warning', 'info'] as const

/** In the order of the API: the worst first. */
export function Findings({ findings }: { readonly findings: readonly Finding[] }) {
  const { t } = useLanguage()
  if (findings.length === 0) return <p class="fine">{t('findingsNone')}</p>
  const counts = Object.fromEntries(
    SEVERITIES.map((severity) => [
      severity,
      findings.filter((one) => one.severity === severity).length,
    ]),
  )
  return (
    <>
      <p class={findings.every(({ severity }) => severity === 'info') ? 'fine' : 'quiet'}>
        {t('findingsSome', counts)}
      </p>
      <ol class="findings">
        {findings.map((finding) => (
          <FindingLine key={`${finding.code} ${finding.path}`} {...finding} />
        ))}
      </ol>
    </>
  )
}

function FindingLine({ code, severity, path, example, advice }: Finding) {
  const { t, named } = useLanguage()
  return (
    <li class={severity} data-finding={code}>
      <p>
        <b class="severity">{named('severity', severity)}</b>{' '}
        <b class="what">{named('finding', code)}</b> {path !== '' && <code>{path}</code>}
      </p>
      {/* Texts of the platform, which are English. */}
      <p class="example" lang="en">
        {example}
      </p>
      <p class="advice" lang="en">
        <span class="quiet">{t('advice')}:</span> {advice}
      </p>
    </li>
  )
}
