declare module 'virtual:region' {
  type Line = readonly (readonly [lon: number, lat: number])[]
  /** Built by region-module.ts. */
  export const REGION: {
    readonly land: readonly { readonly id: string; readonly rings: readonly Line[] }[]
    readonly border: readonly Line[]
  }
}
