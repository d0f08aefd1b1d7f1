import type { ComponentChildren } from 'preact'
import { useLanguage } from '../words/use-language.ts'
import './drill-link.css'
import { hashOf } from './route.ts'

/** The data behind a figure. A span instead of two times, so that the link stays the same. */
export interface DrillTarget {
  readonly show: 'readings' | 'rejection'
  readonly kind?: string
  readonly device?: string
  readonly rat?: string
  readonly span?: string
  readonly from?: string
  readonly to?: string
  readonly id?: string
}

export function drillHash(target: DrillTarget): string {
  const parameters = Object.fromEntries(
    Object.entries(target).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
  return hashOf({ page: 'overview', parameters })
}

interface DrillLinkProps {
  readonly to: DrillTarget
  /** Read out and shown on hover: what opens. */
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
