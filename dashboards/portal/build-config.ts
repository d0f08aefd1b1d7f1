import { join } from 'node:path'
import type { InlineConfig } from 'vite'
import { regionModule } from './region-module.ts'

const ROOT = import.meta.dirname
export const DIST = join(ROOT, 'dist')

/** How vite makes the portal: one page, its files named by their content, nothing inline. */
export const PORTAL_BUILD: InlineConfig = {
  configFile: false,
  envDir: false,
  root: ROOT,
  base: '/',
  publicDir: false,
  logLevel: 'warn',
  plugins: [regionModule],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: DIST,
    emptyOutDir: true,
    target: 'es2023',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    // A file inlined as a data: address would not be covered by the policy of the page.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
}
