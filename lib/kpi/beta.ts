/**
 * Regularised incomplete beta function I_x(a, b) for a, b > 0, by its continued fraction (DLMF
 * 8.17.22) evaluated from the top (modified Lentz). I_p(n - k, k + 1) is the probability of at most
 * k failures in n trials that each succeed with probability p.
 */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  // The fraction converges fast only below the mean; beyond, the mirror image does (8.17.4).
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a)
  const front = Math.exp(
    lnGamma(a + b) - lnGamma(a) - lnGamma(b) + a * Math.log(x) + b * Math.log1p(-x),
  )
  return (front * fraction(x, a, b)) / a
}

/** Far more than the square root of the largest count of messages needs. */
const MAX_STEPS = 100_000
const CLOSE = 1e-15
const TINY = 1e-300

function fraction(x: number, a: number, b: number): number {
  let c = 1
  let d = 1 / awayFromZero(1 - ((a + b) * x) / (a + 1))
  let result = d
  for (let m = 1; m <= MAX_STEPS; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    let factor = 1
    for (const term of [even, odd]) {
      d = 1 / awayFromZero(1 + term * d)
      c = awayFromZero(1 + term / c)
      factor = c * d
      result *= factor
    }
    if (Math.abs(factor - 1) < CLOSE) return result
  }
  return result
}

function awayFromZero(value: number): number {
  return Math.abs(value) < TINY ? TINY : value
}

/** Below this the argument is raised first, so that the series is exact to a double. */
const SERIES_FROM = 15

/** Logarithm of the gamma function for x > 0, by Stirling's series (DLMF 5.11.1). */
function lnGamma(x: number): number {
  let product = 1
  let at = x
  for (; at < SERIES_FROM; at += 1) product *= at
  const inverse = 1 / (at * at)
  const series =
    (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse * (1 / 1680 - inverse / 1188)))) /
    at
  return (at - 0.5) * Math.log(at) - at + 0.5 * Math.log(2 * Math.PI) + series - Math.log(product)
}
