const FACTORS: Readonly<Record<string, number>> = {
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** How many bytes a `byteQuantity` of fields.ts is. */
export function byteCountOf(quantity: string): number {
  const [, digits = '', suffix = ''] = /^(\d+)(\D*)$/.exec(quantity) ?? [];
  return Number(digits) * (FACTORS[suffix] ?? 1);
}
