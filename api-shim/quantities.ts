import { byteQuantity, cpuQuantity } from '../crds/fields.ts';

/**
 * REST numbers and Kubernetes quantities, only of the forms that the CRDs allow: exact in both directions for
 * what REST writes, rounded for what only kubectl can have written.
 */

const MEBIBYTE = 2n ** 20n;

const UNIT_BYTES: Readonly<Record<string, bigint>> = {
  '': 1n,
  k: 10n ** 3n,
  M: 10n ** 6n,
  G: 10n ** 9n,
  T: 10n ** 12n,
  Ki: 2n ** 10n,
  Mi: MEBIBYTE,
  Gi: 2n ** 30n,
  Ti: 2n ** 40n,
};

/** "500m" is 0.5. */
export function coresOf(quantity: string): number {
  return quantity.endsWith('m') ? Number(quantity.slice(0, -1)) / 1000 : Number(quantity);
}

/** 0.25 is "250m", 2 is "2"; finer than a thousandth of a core is rounded. */
export function cpuQuantityOf(cores: number): string {
  const milli = Math.round(cores * 1000);
  return milli % 1000 === 0 ? String(milli / 1000) : `${String(milli)}m`;
}

/** "1Gi" is 1024; a size that is no whole number of MiB is rounded down. */
export function megabytesOf(quantity: string): number {
  return Number(exactBytesOf(quantity) / MEBIBYTE);
}

/** "1Ki" is 1024. */
export function bytesOf(quantity: string): number {
  return Number(exactBytesOf(quantity));
}

function exactBytesOf(quantity: string): bigint {
  const unit = /[A-Za-z]*$/.exec(quantity)?.[0] ?? '';
  const amount = BigInt(quantity.slice(0, quantity.length - unit.length));
  return amount * (UNIT_BYTES[unit] ?? 1n);
}

/** 512 is "512Mi". */
export function byteQuantityOf(megabytes: number): string {
  return `${String(megabytes)}Mi`;
}

/** Cores as a session may ask for them: a positive number or a positive number of thousandths. */
export function isCpu(value: string): boolean {
  return cpuQuantity.safeParse(value).success && coresOf(value) > 0;
}

/** Memory or disk as a session may ask for it: a positive whole number of Mi or Gi. */
export function isMemory(value: string): boolean {
  return (
    /^\d+[MG]i$/.test(value) &&
    byteQuantity.safeParse(value).success &&
    Number.parseInt(value, 10) > 0
  );
}
