import { useLanguage } from '../words/use-language.ts'
import './share-bar.css'

interface ShareBarProps {
  readonly share: number | null
  readonly isGood: boolean
  readonly title?: string
}

/** A share of one as a bar with its number. */
export function ShareBar({ share, isGood, title }: ShareBarProps) {
  const { formats } = useLanguage()
  return (
    <span class={`share ${isGood ? 'good' : 'poor'}`} title={title}>
      <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
        <rect class="track" width="100" height="4" />
        <rect class="fill" width={100 * Math.min(1, Math.max(0, share ?? 0))} height="4" />
      </svg>
      <span class="share-number">{formats.percent(share)}</span>
    </span>
  )
}
