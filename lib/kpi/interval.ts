export interface MeanInterval {
  readonly n: number
  readonly mean: number
  /** Standard deviation of the sample (n - 1); null below two values. */
  readonly sd: number | null
  /** Half width of the 95 % confidence interval of the mean (Student's t); null below two. */
  readonly halfWidth95: number | null
}

/** Mean, spread and what n values say of the true mean; null of nothing. */
export function meanInterval(values: readonly number[]): MeanInterval | null {
  const n = values.length
  if (n === 0) return null
  const mean = values.reduce((sum, value) => sum + value, 0) / n
  if (n === 1) return { n, mean, sd: null, halfWidth95: null }
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  const sd = Math.sqrt(squares / (n - 1))
  return { n, mean, sd, halfWidth95: (studentT975(n - 1) * sd) / Math.sqrt(n) }
}

/** The 97.5 % point of Student's t, by halving the interval that holds it. */
export function studentT975(degrees: number): number {
  let low = 0
  let high = 13
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2
    if (centralProbability(middle, degrees) < 0.95) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** Beyond this many degrees the series is long and t has long become the normal distribution. */
const NORMAL_FROM = 10_000

/** P(|T| < t) for whole degrees of freedom (Abramowitz and Stegun 26.7.3, 26.7.4). */
function centralProbability(t: number, degrees: number): number {
  const n = Math.min(degrees, NORMAL_FROM)
  const angle = Math.atan(t / Math.sqrt(n))
  const cos = Math.cos(angle)
  const even = n % 2 === 0
  let term = even ? 1 : cos
  let sum = n === 1 ? 0 : term
  for (let k = even ? 2 : 3; k < n; k += 2) {
    term *= (cos * cos * (k - 1)) / k
    sum += term
  }
  const series = Math.sin(angle) * sum
  return even ? series : (2 / Math.PI) * (angle + series)
}
