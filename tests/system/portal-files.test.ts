import { mkdirSync, writeFileSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { fastify } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addPortal } from '../../api/plugins/portal.ts'
import { buildPortal } from '../support/build-portal.ts'
import { startPlatform, temporaryDir, type Platform } from '../support/platform.ts'

describe('the files of the portal', () => {
  const folder = temporaryDir('portal-files')
  let platform: Platform
  let url = ''

  beforeAll(async () => {
    buildPortal()
    platform = await startPlatform({ dataDir: folder.path })
    url = `http://127.0.0.1:${platform.ready.http}`
  })

  afterAll(async () => {
    await platform?.stop()
    folder.remove()
  })

  it('come with a strict content policy, their types and a cache lifetime', async () => {
    const page = await fetch(`${url}/`)
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(page.headers.get('cache-control')).toBe('no-cache')
    const policy = page.headers.get('content-security-policy')
    expect(policy).toContain("default-src 'none';script-src 'self';style-src 'self'")
    expect(policy).not.toMatch(/unsafe|https?:/)
    const html = await page.text()
    expect(html).not.toMatch(/<style|style=|<script(?![^>]*src=)/)
    const names = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, name]) => name)
    expect(names.length).toBeGreaterThan(2)
    for (const name of names) {
      const file = await fetch(url + name)
      expect(file.status).toBe(200)
      expect(file.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
      const etag = file.headers.get('etag') ?? ''
      for (const encoding of ['identity', 'gzip']) {
        const headers = { 'if-none-match': etag, 'accept-encoding': encoding }
        const again = await request(url + name, headers)
        expect([again.status, again.bytes]).toEqual([304, 0])
      }
    }
  })

  it('hold less than 120 kB of scripts, compressed', async () => {
    const html = await (await fetch(`${url}/`)).text()
    const [, script = ''] = /src="(\/assets\/[^"]+\.js)"/.exec(html) ?? []
    const { headers, bytes } = await request(url + script, { 'accept-encoding': 'gzip' })
    expect(headers['content-encoding']).toBe('gzip')
    expect(bytes).toBeGreaterThan(10_000)
    expect(bytes).toBeLessThan(120_000)
  })

  it('are the only ones served: no path leads out of the folder', async () => {
    for (const path of [
      '/assets/../../../package.json',
      '/assets/%2e%2e/%2e%2e/%2e%2e/package.json',
      '/sources.sha256',
      '/index.html/../../package.json',
      '/fleet',
    ]) {
      const response = await fetch(url + path)
      expect(response.status, path).toBe(404)
    }
  })

  it('are missing before the first build, and the page says how to build them', async () => {
    const empty = join(folder.path, 'no-build')
    mkdirSync(empty)
    writeFileSync(join(empty, 'stray.js'), 'not part of a build')
    const app = fastify()
    // The portal needs nothing of the API to serve its files.
    await addPortal(app, {} as Parameters<typeof addPortal>[1], empty)
    const page = await app.inject('/')
    expect(page.body).toContain('node scripts/build-portal.ts')
    expect((await app.inject('/stray.js')).statusCode).toBe(404)
    await app.close()
  })

  it('read only documented fields of the registry', async () => {
    const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as {
      paths: Record<string, unknown>
    }
    const faults = Object.entries(FIELDS).flatMap(([path, names]) => {
      const text = JSON.stringify(paths[`/api/v1${path}`] ?? '')
      return names.filter((name) => !text.includes(`"${name}"`)).map((name) => `${path} ${name}`)
    })
    expect(faults).toEqual([])
  })
})

/** As a browser asks: `fetch` would expand the body, and add `no-cache` to a conditional request. */
async function request(url: string, headers: Readonly<Record<string, string>>) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { headers }, resolve).once('error', reject)
  })
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) bytes += chunk.byteLength
  return { status: response.statusCode, headers: response.headers, bytes }
}

/** Fields of dashboards/portal/src/api/rows.ts whose types are written by hand. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  '/session': ['role', 'tenant', 'name'],
  '/devices': ['id', 'kind', 'site', 'settings'],
  '/sites': ['id', 'name', 'position', 'outline', 'lat', 'lon'],
}
