import { useEffect, useState } from 'preact/hooks'
import { useKinds } from '../data/use-kinds.ts'
import { hashOf } from '../links/route.ts'
import { useLanguage } from '../words/use-language.ts'
import type { SheetParameters } from './selection.ts'

interface KindChoiceProps {
  readonly parameters: SheetParameters
  readonly kind: string
}

/** Switches the sheet to another kind of readings. */
export function KindChoice({ parameters, kind }: KindChoiceProps) {
  const { t, named } = useLanguage()
  const kinds = new Set([...(useKinds() ?? []), kind])
  const [chosen, setChosen] = useState(kind)
  useEffect(() => setChosen(kind), [kind])
  return (
    <select
      aria-label={t('kind')}
      value={chosen}
      onChange={({ currentTarget: { value } }) => {
        location.hash = hashOf({ page: 'overview', parameters: { ...parameters, kind: value } })
      }}
    >
      {[...kinds].map((name) => (
        <option key={name} value={name}>
          {named('kind', name)}
        </option>
      ))}
    </select>
  )
}
