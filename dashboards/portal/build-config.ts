import { join } from 'node:path'
import type { InlineConfig } from 'vite'
import { regionModule } from './region-module.ts'

const ROOT = import.meta.dirname
export const DIST = join(ROOT, 'dist')

/** Vite builds one page, its files named by a hash of their content, nothing inline. */
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
    // The content policy of the page forbids data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
}
