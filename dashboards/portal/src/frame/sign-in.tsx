import { useState } from 'preact/hooks'
import type { Session } from '../data/answers.ts'
import { usePortal } from '../data/hooks.ts'
import type { Portal } from '../data/portal.ts'
import { useLanguage } from './language.ts'
import { recall, remember } from './memory.ts'
import type { WordName } from '../words/en.ts'

/** Goes on with the session of an earlier visit; who never signed in is not asked about. */
export async function resume(portal: Portal): Promise<void> {
  if (recall('signed-in') === null) return
  const outcome = await portal.client.get<Session>('/session')
  if (outcome.ok) portal.begin(outcome.value)
  else if (outcome.fault.sort === 'signed-out') remember('signed-in', null)
}

export function SignIn() {
  const portal = usePortal()
  const { t } = useLanguage()
  const [problem, setProblem] = useState<WordName | null>(null)
  const [isAsking, setAsking] = useState(false)

  const submit = async (form: HTMLFormElement) => {
    const key = new FormData(form).get('key')
    if (typeof key !== 'string' || key.trim() === '') return
    setAsking(true)
    const outcome = await portal.client.signIn(key.trim())
    setAsking(false)
    if (outcome.ok) {
      remember('signed-in', 'yes')
      portal.begin(outcome.value)
    } else {
      setProblem(outcome.fault.sort === 'unreachable' ? 'signInUnreachable' : 'signInFailed')
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
      <button type="submit" class="primary" disabled={isAsking}>
        {t('signIn')}
      </button>
    </form>
  )
}
