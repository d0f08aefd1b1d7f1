export interface Labelled {
  readonly x: number
  readonly y: number
  /** Height of the shape drawn there: 0 for a dot. */
  readonly heightPx: number
  /** Empty: no label is wanted. */
  readonly text: string
}

/** A label's left end and base line. */
export interface Label {
  readonly x: number
  readonly y: number
  readonly text: string
}

interface Box {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

/** Of the label font, slightly too large rather than too small. */
const CHARACTER_PX = 6.2
const LINE_PX = 13
const GAP_PX = 6

/** Places labels so that they stay on the map and do not overlap; null where there is no room. */
export function placeLabels(places: readonly Labelled[], widthPx: number): (Label | null)[] {
  const taken: Box[] = []
  return places.map((place) => {
    if (place.text === '') return null
    for (const label of candidates(place, widthPx)) {
      const box = boxOf(label)
      if (taken.some((other) => overlap(other, box))) continue
      taken.push(box)
      return label
    }
    return null
  })
}

/** Dots have their label beside them, areas above, else below. */
function candidates({ x, y, heightPx, text }: Labelled, widthPx: number): Label[] {
  const length = text.length * CHARACTER_PX
  const inside = (left: number) => Math.max(3, Math.min(widthPx - length - 3, left))
  if (heightPx === 0) {
    return [x + GAP_PX, x - GAP_PX - length]
      .filter((left) => left >= 0 && left + length <= widthPx)
      .map((left) => ({ x: left, y: y + 4, text }))
  }
  const left = inside(x - length / 2)
  const above = y - heightPx / 2 - GAP_PX
  const below = y + heightPx / 2 + LINE_PX
  return [above, below, above - LINE_PX, below + LINE_PX].map((line) => ({
    x: left,
    y: line,
    text,
  }))
}

function boxOf({ x, y, text }: Label): Box {
  return { left: x, right: x + text.length * CHARACTER_PX, top: y - LINE_PX + 2, bottom: y + 2 }
}

function overlap(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom
}
