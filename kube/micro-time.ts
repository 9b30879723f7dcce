/**
 * metav1.MicroTime: RFC 3339 with six digits. API servers refuse the three of `toISOString`
 * (kubernetes-client/javascript#828).
 */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
