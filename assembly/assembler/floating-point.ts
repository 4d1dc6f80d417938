/**
 * Floating-point constants in the formats of x86.
 */

export type FloatFormat = 'half' | 'bfloat16' | 'single' | 'double' | 'extended';

interface Layout {
  /** Bits of the exponent and of the fraction behind the (hidden or explicit) integer bit. */
  readonly exponent: number;
  readonly fraction: number;
  /** x87's format has the integer bit in memory. */
  readonly explicit: boolean;
  /** Bytes in memory. */
  readonly size: number;
}

const LAYOUTS: Readonly<Record<FloatFormat, Layout>> = {
  half: { exponent: 5, fraction: 10, explicit: false, size: 2 },
  bfloat16: { exponent: 8, fraction: 7, explicit: false, size: 2 },
  single: { exponent: 8, fraction: 23, explicit: false, size: 4 },
  double: { exponent: 11, fraction: 52, explicit: false, size: 8 },
  extended: { exponent: 15, fraction: 63, explicit: true, size: 10 },
};

/** Decimal exponents beyond this are too large, or zero, in every format. */
const MAX_DECIMAL_EXPONENT = 10_000;
const MAX_DIGITS = 2000;

/**
 * The bytes of the number `text` (`1.5`, `-2e-3`, `0f1.0`, `inf`, `nan`) in `format`, rounded to nearest even;
 * undefined if it is no number or too large. Arithmetic is exact.
 */
export function floatBytes(text: string, format: FloatFormat): Uint8Array | undefined {
  const layout = LAYOUTS[format];
  const match = /^\s*([+-]?)\s*(?:0[a-zA-Z])?\s*([+-]?)(?:(inf(?:inity)?)|(s|q)?nan|(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?)\s*$/i.exec(text);
  if (match === null) return undefined;
  const negative = (match[1] === '-') !== (match[2] === '-');
  const top = (1n << BigInt(layout.exponent)) - 1n;
  if (match[3] !== undefined) return pack(layout, negative, top, 0n);
  const [whole, part = '', power = '0'] = [match[5], match[6], match[7]];
  if (whole === undefined) return pack(layout, negative, top, 1n << BigInt(layout.fraction - 1));
  const digits = whole + part;
  if (digits === '' || digits.length > MAX_DIGITS) return undefined;
  const mantissa = BigInt(digits);
  const exponent = Number(power) - part.length;
  if (mantissa === 0n || exponent < -MAX_DECIMAL_EXPONENT) return pack(layout, negative, 0n, 0n);
  if (exponent > MAX_DECIMAL_EXPONENT) return undefined;
  const scale = 10n ** BigInt(Math.abs(exponent));
  return exponent < 0 ? round(layout, negative, mantissa, scale) : round(layout, negative, mantissa * scale, 1n);
}

/** `numerator / denominator` to the nearest number of the format. */
function round(layout: Layout, negative: boolean, numerator: bigint, denominator: bigint): Uint8Array | undefined {
  const bias = (1n << BigInt(layout.exponent - 1)) - 1n;
  const precision = BigInt(layout.fraction + 1);
  const width = (value: bigint): bigint => BigInt(value.toString(2).length);
  // A first guess of the binary exponent, one too large at most.
  let exponent = width(numerator) - width(denominator);
  const lowest = 1n - bias;
  let mantissa: bigint;
  for (;;) {
    const unit = (exponent < lowest ? lowest : exponent) - precision + 1n;
    const [n, d] = unit < 0n ? [numerator << -unit, denominator] : [numerator, denominator << unit];
    mantissa = n / d;
    const rest = (n % d) * 2n;
    if (rest > d || (rest === d && (mantissa & 1n) === 1n)) mantissa++;
    if (mantissa >> (precision - 1n) === 0n && exponent > lowest) {
      exponent--;
      continue;
    }
    if (mantissa >> precision !== 0n) {
      mantissa >>= 1n;
      exponent = (exponent < lowest ? lowest : exponent) + 1n;
    }
    break;
  }
  const normal = mantissa >> (precision - 1n) !== 0n;
  const biased = normal ? (exponent < lowest ? lowest : exponent) + bias : 0n;
  const top = (1n << BigInt(layout.exponent)) - 1n;
  if (biased >= top) return undefined;
  return pack(layout, negative, biased, mantissa & ((1n << BigInt(layout.fraction)) - 1n));
}

function pack(layout: Layout, negative: boolean, exponent: bigint, fraction: bigint): Uint8Array {
  const integerBit = layout.explicit && exponent !== 0n ? 1n << BigInt(layout.fraction) : 0n;
  const fractionBits = BigInt(layout.fraction + (layout.explicit ? 1 : 0));
  let bits = ((negative ? 1n : 0n) << (fractionBits + BigInt(layout.exponent))) | (exponent << fractionBits) | integerBit | fraction;
  const bytes = new Uint8Array(layout.size);
  for (let index = 0; index < layout.size; index++) {
    bytes[index] = Number(bits & 0xffn);
    bits >>= 8n;
  }
  return bytes;
}
