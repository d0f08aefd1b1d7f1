/** Mistakes (letters to add, drop, change or swap) up to which a name is taken for another. */
const MAX_MISTAKES = 3

/**
 * The name that was probably meant: the closest by mistakes, else one that contains the wrong name;
 * null when nothing is similar. `prefix` is common to all names and not compared.
 */
export function suggestName(
  wrong: string,
  names: readonly string[],
  prefix: string,
): string | null {
  const given = wrong.slice(prefix.length)
  const max = Math.min(MAX_MISTAKES, Math.floor(given.length / 2))
  const closest = names
    .map((name) => ({ name, mistakes: mistakesBetween(given, name.slice(prefix.length)) }))
    .toSorted((a, b) => a.mistakes - b.mistakes)[0]
  if (closest && closest.mistakes <= max) return closest.name
  const isLongEnough = given.length > MAX_MISTAKES
  return (isLongEnough && names.find((name) => name.slice(prefix.length).includes(given))) || null
}

/**
 * The same for names of fields, whose case and separators say nothing (`cargo_temp`), and which people
 * write in full (`latitude` for `lat`).
 */
export function suggestField(wrong: string, names: readonly string[]): string | null {
  const plain = plainOf(wrong)
  const byPlain = new Map(names.map((name) => [plainOf(name), name]))
  const close = suggestName(plain, [...byPlain.keys()], '')
  const begun = [...byPlain.keys()].find(
    (name) => name.length >= MAX_MISTAKES && plain.startsWith(name),
  )
  return byPlain.get(close ?? begun ?? '') ?? null
}

function plainOf(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
}

/** Damerau-Levenshtein distance, in its form where no part is edited twice. */
function mistakesBetween(one: string, other: string): number {
  let beforeLast: readonly number[] = []
  let last: readonly number[] = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (let i = 1; i <= one.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= other.length; j += 1) {
      const isSame = one[i - 1] === other[j - 1]
      const isSwap = one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]
      row[j] = Math.min(
        at(row, j - 1) + 1,
        at(last, j) + 1,
        at(last, j - 1) + (isSame ? 0 : 1),
        isSwap ? at(beforeLast, j - 2) + 1 : Infinity,
      )
    }
    beforeLast = last
    last = row
  }
  return at(last, other.length)
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity
}
