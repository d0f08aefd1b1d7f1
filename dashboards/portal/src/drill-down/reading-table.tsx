import type { FieldValue, Reading } from '../api/rows.ts'
import { ScrollTable } from '../parts/scroll-table.tsx'
import { NO_VALUE } from '../words/formats.ts'
import { useLanguage } from '../words/use-language.ts'

interface ReadingTableProps {
  readonly rows: readonly Reading[]
  readonly units: Readonly<Record<string, string>>
}

export function ReadingTable({ rows, units }: ReadingTableProps) {
  const { t, formats } = useLanguage()
  const fields = Object.keys(units).filter((name) => rows.some((row) => name in row.fields))
  return (
    <ScrollTable label={t('readings')}>
      <thead>
        <tr>
          <th scope="col">{t('time')}</th>
          <th scope="col">{t('received')}</th>
          <th scope="col">{t('device')}</th>
          <th scope="col" class="n">
            {t('sequence')}
          </th>
          {fields.map((name) => (
            <th key={name} scope="col" class="n">
              {name} <span class="unit">{unitText(units[name])}</span>
            </th>
          ))}
          <th scope="col">{t('radioPart')}</th>
          <th scope="col">{t('flags')}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={`${row.device} ${row.channel} ${row.seq} ${row.time} ${row.receivedAt}`}>
            <td class="time" title={row.time}>
              {formats.moment(row.time)}
              {row.claimedTime !== null && (
                <span class="warn" data-claimed title={row.claimedTime}>
                  {' '}
                  {t('claimedTime', { time: formats.dated(row.claimedTime) })}
                </span>
              )}
            </td>
            <td class="time" title={row.receivedAt}>
              {formats.clock(row.receivedAt)}
            </td>
            <td>{row.device}</td>
            <td class="n">{row.seq ?? NO_VALUE}</td>
            {fields.map((name) => (
              <td key={name} class="n">
                {shown(row.fields[name])}
              </td>
            ))}
            <td class="quiet">{radioText(row)}</td>
            <td class={row.flags.length > 0 ? 'warn' : ''}>{row.flags.join(', ')}</td>
          </tr>
        ))}
      </tbody>
    </ScrollTable>
  )
}

/** As stored: raw readings are not rounded. */
function shown(value: FieldValue | undefined): string {
  return value === undefined ? NO_VALUE : String(value)
}

const UNIT_SIGNS: Readonly<Record<string, string>> = {
  Cel: '°C',
  'm3/h': 'm³/h',
  m3: 'm³',
  deg: '°',
}

function unitText(unit = ''): string {
  return UNIT_SIGNS[unit] ?? unit
}

function radioText({ radio }: Reading): string {
  if (radio === null) return NO_VALUE
  return ['rat', 'rsrpDbm', 'sinrDb', 'cellId']
    .map((name) => radio[name])
    .filter((value) => value !== undefined)
    .join(' · ')
}
