/** Why there is no result. */
export interface Fault {
  readonly reason: 'unreachable' | 'signed-out' | 'refused'
  /** From the problem document; empty when the platform could not be reached. */
  readonly detail: string
}

export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: Fault }

/** Null stands for a platform that could not be reached. */
export async function outcomeOf<T>(response: Response | null): Promise<Outcome<T>> {
  if (!response) return { ok: false, fault: { reason: 'unreachable', detail: '' } }
  const body: unknown = await response.json().catch(() => null)
  // The types are those of the API's own schemas.
  if (response.ok) return { ok: true, value: body as T }
  const reason = response.status === 401 ? 'signed-out' : 'refused'
  return { ok: false, fault: { reason, detail: detailOf(body) ?? `HTTP ${response.status}` } }
}

function detailOf(body: unknown): string | null {
  if (typeof body !== 'object' || body === null || !('detail' in body)) return null
  return typeof body.detail === 'string' ? body.detail : null
}
