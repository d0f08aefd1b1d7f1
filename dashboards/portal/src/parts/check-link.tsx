import { useLanguage } from '../frame/language.ts'
import { hashOf } from '../frame/router.ts'
import { usePortal } from '../data/hooks.ts'
import { CONFORMANCE } from '../data/use-conformance.ts'

/** To what is right and wrong with a device; nothing for roles that may not see it. */
export function CheckLink({ device }: { readonly device: string }) {
  const { t } = useLanguage()
  if (usePortal().opening(CONFORMANCE) !== 'open') return null
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
