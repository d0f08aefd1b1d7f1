import type { ComponentChildren } from 'preact'
import { useLanguage } from '../frame/language.ts'
import { hashOf } from '../frame/router.ts'

/** What stands behind a figure. A span instead of two times, so that the link stays the same. */
export interface DrillTo {
  readonly show: 'readings' | 'rejection'
  readonly kind?: string
  readonly device?: string
  readonly rat?: string
  readonly span?: string
  readonly from?: string
  readonly to?: string
  readonly id?: string
}

export function drillHash(to: DrillTo): string {
  const parameters = Object.fromEntries(
    Object.entries(to).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
  return hashOf({ page: 'overview', parameters })
}

interface DrillLinkProps {
  readonly to: DrillTo
  /** Spoken and shown on hover: what will be opened. */
  readonly what?: string
  readonly children: ComponentChildren
}

export function DrillLink({ to, what, children }: DrillLinkProps) {
  const { t } = useLanguage()
  return (
    <a class="drill" href={drillHash(to)} title={what && t('openReadings', { what })}>
      {children}
    </a>
  )
}
