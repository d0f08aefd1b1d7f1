import { REJECTION_REASONS, type RejectionReason } from '#lib/telemetry/rejection.ts'
import type { Scope } from '#lib/telemetry/scope.ts'

/** Conditions of a query over `rejections r JOIN rejected_messages m`, and their values in order. */
export class RejectionFilter {
  readonly #where: string[] = []
  readonly #values: (string | number | bigint)[] = []

  get where(): string {
    return this.#where.join(' AND ')
  }

  get values(): readonly (string | number | bigint)[] {
    return this.#values
  }

  add(condition: string, ...values: readonly (string | number | bigint)[]): void {
    this.#where.push(condition)
    this.#values.push(...values)
  }

  /** Null: any value. */
  addList(column: string, wanted: readonly string[] | null): void {
    if (wanted) this.add(`${column} IN (${wanted.map(() => '?').join(', ')})`, ...wanted)
  }

  addScope({ devices, tenants }: Scope): void {
    this.addList('m.device', devices)
    this.addList(`substr(m.device, 1, instr(m.device, '.') - 1)`, tenants)
  }
}

export function reasonOf(value: unknown): RejectionReason {
  return REJECTION_REASONS.find((reason) => reason === value) ?? 'malformed'
}

export function bytesOf(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array()
}
