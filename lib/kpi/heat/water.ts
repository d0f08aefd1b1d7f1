/*
 * Liquid water by IAPWS-IF97, region 1 (Revised Release on the IAPWS Industrial Formulation 1997,
 * equation 7 and table 2): 273.15 to 623.15 K, from the saturation pressure to 100 MPa.
 */

export interface Water {
  /** Specific volume, m3/kg. */
  readonly volumeM3Kg: number
  /** Specific enthalpy, kJ/kg. */
  readonly enthalpyKjKg: number
}

const GAS_CONSTANT_KJ_KGK = 0.461526
const SCALE_K = 1386
const SCALE_MPA = 16.53

/** Exponents I and J, coefficient n of table 2. */
const TERMS: readonly (readonly [i: number, j: number, n: number])[] = [
  [0, -2, 0.14632971213167],
  [0, -1, -0.84548187169114],
  [0, 0, -3.756360367204],
  [0, 1, 3.3855169168385],
  [0, 2, -0.95791963387872],
  [0, 3, 0.15772038513228],
  [0, 4, -0.016616417199501],
  [0, 5, 0.81214629983568e-3],
  [1, -9, 0.28319080123804e-3],
  [1, -7, -0.60706301565874e-3],
  [1, -1, -0.018990068218419],
  [1, 0, -0.032529748770505],
  [1, 1, -0.021841717175414],
  [1, 3, -0.5283835796993e-4],
  [2, -3, -0.47184321073267e-3],
  [2, 0, -0.30001780793026e-3],
  [2, 1, 0.47661393906987e-4],
  [2, 3, -0.44141845330846e-5],
  [2, 17, -0.72694996297594e-15],
  [3, -4, -0.31679644845054e-4],
  [3, 0, -0.28270797985312e-5],
  [3, 6, -0.85205128120103e-9],
  [4, -5, -0.22425281908e-5],
  [4, -2, -0.65171222895601e-6],
  [4, 10, -0.14341729937924e-12],
  [5, -8, -0.40516996860117e-6],
  [8, -11, -0.12734301741641e-8],
  [8, -6, -0.17424871230634e-9],
  [21, -29, -0.68762131295531e-18],
  [23, -31, 0.14478307828521e-19],
  [29, -38, 0.26335781662795e-22],
  [30, -39, -0.11947622640071e-22],
  [31, -40, 0.18228094581404e-23],
  [32, -41, -0.93537087292458e-25],
]

/** Volume and enthalpy of liquid water; the caller keeps to the range of region 1. */
export function waterAt(temperatureK: number, pressureMpa: number): Water {
  const tau = SCALE_K / temperatureK
  const pi = pressureMpa / SCALE_MPA
  const [x, y] = [7.1 - pi, tau - 1.222]
  // Derivatives of the dimensionless Gibbs energy by pressure and by inverse temperature.
  let byPressure = 0
  let byTemperature = 0
  for (const [i, j, n] of TERMS) {
    byPressure -= n * i * x ** (i - 1) * y ** j
    byTemperature += n * x ** i * j * y ** (j - 1)
  }
  const rtKjKg = GAS_CONSTANT_KJ_KGK * temperatureK
  return {
    // kJ/kg over MPa is 10^-3 m3/kg.
    volumeM3Kg: ((rtKjKg / pressureMpa) * pi * byPressure) / 1000,
    enthalpyKjKg: rtKjKg * tau * byTemperature,
  }
}
