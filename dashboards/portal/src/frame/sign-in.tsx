import { useState } from 'preact/hooks'
import type { Session } from '../api/rows.ts'
import type { Portal } from '../data/portal.ts'
import { usePortal } from '../data/use-portal.ts'
import type { WordName } from '../words/en.ts'
import { useLanguage } from '../words/use-language.ts'
import { readItem, writeItem } from './browser-storage.ts'
import './sign-in.css'

/** Resumes the session of an earlier visit; without one there is no request. */
export async function resumeSession(portal: Portal): Promise<void> {
  if (readItem('signed-in') === null) return
  const outcome = await portal.client.get<Session>('/session')
  if (outcome.ok) portal.begin(outcome.value)
  else if (outcome.fault.reason === 'signed-out') writeItem('signed-in', null)
}

export function SignIn() {
  const portal = usePortal()
  const { t } = useLanguage()
  const [problem, setProblem] = useState<WordName | null>(null)
  const [isSubmitting, setSubmitting] = useState(false)

  const submit = async (form: HTMLFormElement) => {
    const key = new FormData(form).get('key')
    if (typeof key !== 'string' || key.trim() === '') return
    setSubmitting(true)
    const outcome = await portal.client.signIn(key.trim())
    setSubmitting(false)
    if (outcome.ok) {
      writeItem('signed-in', 'yes')
      portal.begin(outcome.value)
    } else {
      setProblem(outcome.fault.reason === 'unreachable' ? 'signInUnreachable' : 'signInFailed')
    }
  }

  return (
    <form
      class="sign-in"
      onSubmit={(event) => {
        event.preventDefault()
        void submit(event.currentTarget)
      }}
    >
      <h2>{t('signIn')}</h2>
      <KeyField problem={problem} />
      <button type="submit" class="primary" disabled={isSubmitting}>
        {t('signIn')}
      </button>
    </form>
  )
}

function KeyField({ problem }: { readonly problem: WordName | null }) {
  const { t } = useLanguage()
  return (
    <>
      <label for="key">{t('key')}</label>
      <input
        id="key"
        name="key"
        type="password"
        autocomplete="current-password"
        spellcheck={false}
        required
        aria-describedby="key-hint key-problem"
        aria-invalid={problem !== null}
      />
      <p id="key-hint" class="hint">
        {t('keyHint')}
      </p>
      <p id="key-problem" class="problem" role="alert">
        {problem && t(problem)}
      </p>
    </>
  )
}
