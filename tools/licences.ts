import spdxSatisfies from 'spdx-satisfies';

/** Anyone may ship these inside an open or a closed product, with a notice. */
export const PERMISSIVE = [
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'PSF-2.0',
  'Python-2.0',
  'Unlicense',
] as const;

/** Of data and texts inside tools, which are never shipped. */
export const TOOLS_ONLY = ['CC-BY-3.0', 'CC-BY-4.0'] as const;

/** Whether an SPDX expression lets us do what `allowed` does. What is no SPDX expression does not: a person has to look. */
export function isAllowed(expression: string, allowed: readonly string[]): boolean {
  try {
    return spdxSatisfies(expression, allowed);
  } catch {
    return false;
  }
}
