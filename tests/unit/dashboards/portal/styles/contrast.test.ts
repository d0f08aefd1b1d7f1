import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

/*
 * Contrast of text by WCAG 2.2, 1.4.3: at least 4.5:1. A browser's own check does not know filters,
 * so the colours of what is stale are worked out here.
 */

const STYLES = new URL('../../../../../dashboards/portal/src/styles/', import.meta.url)
const colours = new Map<string, readonly [string, string]>()
const css = readFileSync(new URL('colours.css', STYLES), 'utf8')
for (const [, name = '', light = '', dark = ''] of css.matchAll(
  /--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);/g,
)) {
  colours.set(name, [light, dark])
}
const [, saturation] =
  /\.stale \{[^}]*filter: saturate\(([\d.]+)\)/.exec(
    readFileSync(new URL('text.css', STYLES), 'utf8'),
  ) ?? []

type Rgb = readonly [number, number, number]

function rgbOf(name: string, theme: number): Rgb {
  const hex = colours.get(name)?.[theme] ?? ''
  const channel = (at: number) => Number.parseInt(hex.slice(at, at + 2), 16) / 255
  return [channel(1), channel(3), channel(5)]
}

/** Filter Effects 1, 8.3: towards the grey of the same luma. */
function saturate(colour: Rgb, amount: number): Rgb {
  const luma = 0.213 * colour[0] + 0.715 * colour[1] + 0.072 * colour[2]
  const moved = (value: number) => Math.min(1, Math.max(0, luma + (value - luma) * amount))
  return [moved(colour[0]), moved(colour[1]), moved(colour[2])]
}

function luminance(colour: Rgb): number {
  const linear = (value: number) =>
    value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  return 0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) + 0.0722 * linear(colour[2])
}

function contrast(one: Rgb, other: Rgb): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b)
  return (high + 0.05) / (low + 0.05)
}

describe('text has a contrast of 4.5:1', () => {
  const surfaces = ['paper', 'sunken', 'sheet']
  const texts = ['ink', 'quiet', 'net', 'heat', 'good', 'warn', 'bad']
  const cases = ['light', 'dark'].flatMap((theme, at) =>
    surfaces.flatMap((surface) => texts.map((text) => ({ theme, at, surface, text }))),
  )

  it.each(cases)('$text on $surface, $theme', ({ at, surface, text }) => {
    expect(contrast(rgbOf(text, at), rgbOf(surface, at))).toBeGreaterThanOrEqual(4.5)
  })

  it.each(cases)('$text on $surface, $theme, when it is stale', ({ at, surface, text }) => {
    const amount = Number(saturation)
    const muted = text === 'ink' ? 'quiet' : text
    const shown = [muted, surface].map((name) => saturate(rgbOf(name, at), amount))
    const [front = rgbOf(text, at), back = front] = shown
    expect(contrast(front, back)).toBeGreaterThanOrEqual(4.5)
  })
})
