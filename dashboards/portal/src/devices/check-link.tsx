import { usePortal } from '../data/use-portal.ts'
import { hashOf } from '../links/route.ts'
import { useLanguage } from '../words/use-language.ts'
import './check-link.css'
import { CONFORMANCE } from './use-conformance.ts'

/** Leads to the page of a device; absent for roles that may not see it. */
export function CheckLink({ device }: { readonly device: string }) {
  const { t } = useLanguage()
  if (usePortal().accessTo(CONFORMANCE) !== 'open') return null
  const title = t('checkDeviceTitle', { what: device })
  return (
    <a
      class="check"
      href={hashOf({ page: 'device', parameters: { id: device } })}
      title={title}
      aria-label={`${t('checkDevice')}: ${title}`}
    >
      {t('checkDevice')}
    </a>
  )
}
